/* SPDX-License-Identifier: MIT */
/* Hints, in order: bought ones open, the next one for sale, later ones waiting. */
import { useState } from 'preact/hooks'
import { announce } from '../announce'
import type { Challenge, Hint } from '../api'
import { formatNumber, formatPoints } from '../clock'
import { words } from '../i18n'
import { buyHint, myScore } from '../session'
import { Dialog } from './dialog'
import { commonFailure, Failure } from './failure'
import { Icon } from './icons'
import { Markdown } from './markdown'

function headingId(hint: Hint): string {
  return `hint-${hint.id}`
}

function ConfirmHint(props: {
  challenge: Challenge
  hint: Hint
  number: number
  onClose: () => void
}) {
  const t = words.value
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const before = myScore.value
  const after = before - props.hint.cost
  const price = formatNumber.value(props.hint.cost)
  const tooPoor = t.challenge.tooPoor(formatPoints.value(props.hint.cost))

  async function buy(): Promise<void> {
    if (busy) return
    setBusy(true)
    setFailure(null)
    const answer = await buyHint(props.challenge.id, props.hint.id)
    setBusy(false)
    const had = answer.kind === 'refused' && answer.error === 'already_purchased'
    if (answer.kind === 'ok' || had) {
      announce(t.challenge.bought)
      props.onClose()
    } else if (answer.kind === 'refused' && answer.status === 402) {
      setFailure(tooPoor)
    } else {
      setFailure(commonFailure(answer, t))
    }
  }

  return (
    <Dialog
      title={t.challenge.confirmTitle(props.number)}
      onClose={props.onClose}
      landing={() => document.getElementById(headingId(props.hint))}
    >
      <dl class="price">
        <dt>{t.challenge.confirmBefore}</dt>
        <dd>{formatNumber.value(before)}</dd>
        <dt>{t.challenge.confirmCost}</dt>
        <dd>−{price}</dd>
        <dt>{t.challenge.confirmAfter}</dt>
        <dd class="font-semibold">{formatNumber.value(after)}</dd>
      </dl>
      <Failure text={failure ?? (after < 0 && props.hint.cost > 0 ? tooPoor : null)} />
      <div class="mt-5 flex flex-wrap justify-end gap-3">
        <button type="button" class="button" onClick={props.onClose}>
          {t.common.cancel}
        </button>
        <button
          type="button"
          class="button button-main"
          aria-disabled={busy}
          disabled={after < 0 && props.hint.cost > 0}
          onClick={() => void buy()}
        >
          {busy ? t.challenge.confirmBusy : t.challenge.confirm}
        </button>
      </div>
    </Dialog>
  )
}

export function Hints(props: { challenge: Challenge }) {
  const t = words.value.challenge
  const [asking, setAsking] = useState<{ hint: Hint; number: number } | null>(null)
  const { hints } = props.challenge
  const next = hints.findIndex((hint) => hint.text === null)
  return (
    <section class="panel p-5" aria-labelledby="hints-title">
      <h2 id="hints-title" class="section-title mb-3">
        {t.hints}
      </h2>
      <ol class="grid gap-3">
        {hints.map((hint, index) => {
          const number = index + 1
          const price = hint.cost === 0 ? t.free : t.cost(formatPoints.value(hint.cost))
          if (hint.text !== null) {
            return (
              <li key={hint.id} class="hint">
                <h3 id={headingId(hint)} tabIndex={-1} class="label mb-1">
                  {t.hint(number)}
                </h3>
                <Markdown source={hint.text} />
              </li>
            )
          }
          return (
            <li key={hint.id} class="hint flex flex-wrap items-center justify-between gap-2">
              {index === next ? (
                <button
                  type="button"
                  class="button button-small"
                  onClick={() => setAsking({ hint, number })}
                >
                  {t.buy(number)}
                </button>
              ) : (
                <span class="flex items-center gap-2 text-soft">
                  <Icon name="lock" />
                  {t.hint(number)}
                </span>
              )}
              <span class="text-sm text-soft">
                {price}
                {index !== next && <span class="sr-only"> {t.later}</span>}
              </span>
            </li>
          )
        })}
      </ol>
      {asking !== null && (
        <ConfirmHint challenge={props.challenge} {...asking} onClose={() => setAsking(null)} />
      )}
    </section>
  )
}
