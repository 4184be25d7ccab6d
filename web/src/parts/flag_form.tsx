/* SPDX-License-Identifier: MIT */
/* The flag field and what comes of it: right, wrong with the tries that are left, or not now. */
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Challenge, Verdict } from '../api'
import { newlyOpen } from '../challenges'
import { everySecond, formatNumber, formatPoints } from '../clock'
import { words } from '../i18n'
import { paths } from '../route'
import { challenges, nextTryAt, submitFlag, triesLeft } from '../session'
import { Confetti } from './confetti'
import { commonFailure, Failure } from './failure'
import { Icon } from './icons'

type Correct = Extract<Verdict, { result: 'correct' }>

function secondsToNextTry(): number {
  if (nextTryAt.value === 0) return 0
  everySecond()
  return Math.max(0, Math.ceil((nextTryAt.value - performance.now()) / 1000))
}

/* Drawn anew each second while it counts, and so kept apart from the field being typed into. */
function Tries(props: { shown: boolean }) {
  const t = words.value.challenge
  const wait = secondsToNextTry()
  if (wait > 0) return <p class="text-sm text-warn">{t.nextTry(wait)}</p>
  if (nextTryAt.value > 0) return <p class="text-sm text-soft">{t.tryNow}</p>
  if (!props.shown || triesLeft.value === null) return null
  return <p class="text-sm text-soft">{t.triesLeft(triesLeft.value)}</p>
}

function SolvedPanel(props: { verdict: Correct; opened: readonly Challenge[] }) {
  const t = words.value
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
    heading.current?.parentElement?.scrollIntoView({ block: 'nearest' })
  }, [])
  const { points, total, place } = props.verdict
  return (
    <section class="panel solved-panel p-6" aria-labelledby="solved-title">
      <Confetti />
      <h2 id="solved-title" ref={heading} tabIndex={-1} class="solved-title">
        <span class="solved-mark" aria-hidden="true">
          <Icon name="check" />
        </span>
        {t.challenge.solvedTitle}
      </h2>
      <p class="mt-2 text-lg font-semibold">{t.challenge.earned(formatPoints.value(points))}</p>
      <p>{t.challenge.total(formatNumber.value(total))}</p>
      {place !== null && (
        <p>{place === 1 ? t.challenge.firstBlood : t.challenge.placed(t.common.place(place))}</p>
      )}
      {props.opened.length > 0 && (
        <p class="mt-3" dir="auto">
          {t.challenge.unlocked}{' '}
          {props.opened.map((challenge, index) => (
            <span key={challenge.id}>
              {index > 0 && ', '}
              <a href={paths.challenge(challenge.id)}>{challenge.title}</a>
            </span>
          ))}
        </p>
      )}
      <p class="mt-4">
        <a href={paths.challenges} class="button">
          {t.challenge.next}
        </a>
      </p>
    </section>
  )
}

/* By another device, or an award: the field goes, and the focus that was in it comes here. */
function AlreadySolved(props: { takesFocus: boolean }) {
  const text = useRef<HTMLParagraphElement>(null)
  useEffect(() => {
    if (props.takesFocus) text.current?.focus()
  }, [])
  return (
    <p ref={text} tabIndex={-1} class="panel flex items-center gap-2 p-5 text-good">
      <Icon name="check" />
      {words.value.challenge.already}
    </p>
  )
}

export function FlagForm(props: { challenge: Challenge }) {
  const t = words.value
  const fieldId = useId()
  const form = useRef<HTMLFormElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const [flag, setFlag] = useState('')
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const [wrongs, setWrongs] = useState(0)
  const [solved, setSolved] = useState<{ verdict: Correct; opened: readonly Challenge[] } | null>(
    null,
  )

  async function send(event: Event): Promise<void> {
    event.preventDefault()
    if (busy) return
    if (flag.trim() === '') {
      setFailure(t.challenge.emptyFlag)
      field.current?.focus()
      return
    }
    setBusy(true)
    setFailure(null)
    const before = challenges.value ?? []
    const answer = await submitFlag(props.challenge.id, flag)
    setBusy(false)
    if (answer.kind === 'ok' && answer.value.result === 'correct') {
      setSolved({ verdict: answer.value, opened: newlyOpen(before, challenges.value ?? []) })
    } else if (answer.kind === 'ok' && answer.value.result === 'incorrect') {
      setWrongs(wrongs + 1)
      setFailure(t.challenge.wrong)
      field.current?.focus()
      form.current?.scrollIntoView({ block: 'nearest' })
    } else if (answer.kind === 'ok') {
      setFailure(t.challenge.already)
    } else if (answer.kind === 'refused' && answer.status === 403) {
      setFailure(t.challenge.lockedNow)
    } else {
      setFailure(commonFailure(answer, t))
    }
  }

  if (solved !== null) return <SolvedPanel {...solved} />
  if (props.challenge.solved && !busy) {
    return <AlreadySolved takesFocus={form.current?.contains(document.activeElement) === true} />
  }
  return (
    <form
      ref={form}
      class="panel grid gap-3 p-5 sm:p-6"
      onSubmit={(event) => void send(event)}
      noValidate
    >
      <label class="section-title" for={fieldId}>
        {t.challenge.flag}
      </label>
      <div class="flex flex-col gap-3 xs:flex-row">
        <input
          id={fieldId}
          ref={field}
          class="field flex-1 font-mono"
          name="flag"
          autocomplete="off"
          autocapitalize="none"
          autocorrect="off"
          spellcheck={false}
          placeholder={t.challenge.placeholder}
          aria-describedby={`${fieldId}-failure`}
          value={flag}
          onInput={(event) => setFlag(event.currentTarget.value)}
        />
        <button type="submit" class="button button-main" aria-disabled={busy}>
          {busy ? t.challenge.busy : t.challenge.submit}
        </button>
      </div>
      {/* A second wrong answer is a new sentence, so that it is heard again. */}
      <Failure key={wrongs} id={`${fieldId}-failure`} text={failure} />
      <Tries shown={wrongs > 0} />
    </form>
  )
}
