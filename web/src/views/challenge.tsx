/* SPDX-License-Identifier: MIT */
/* One challenge: its text, its hints, the flag, and who solved it. */
import { formatPoints } from '../clock'
import type { Challenge } from '../api'
import { words } from '../i18n'
import { FlagForm } from '../parts/flag_form'
import { Hints } from '../parts/hints'
import { Icon } from '../parts/icons'
import { Markdown } from '../parts/markdown'
import { Screen } from '../parts/screen'
import { Solvers } from '../parts/solvers'
import { goBack, paths } from '../route'
import { challenges } from '../session'

export function BackButton(props: { to: string }) {
  return (
    <button
      id="back-btn"
      type="button"
      class="button button-small mb-4"
      onClick={() => goBack(props.to)}
    >
      <Icon name="back" />
      {words.value.common.back}
    </button>
  )
}

function LockedChallenge(props: { challenge: Challenge }) {
  const t = words.value.challenge
  return (
    <div class="panel p-6">
      <p class="mb-3 flex items-center gap-2">
        <Icon name="lock" />
        {t.lockedLead}
      </p>
      <ul class="grid grid-cols-[minmax(0,1fr)] gap-2">
        {props.challenge.requirements.map((needed) => (
          <li key={needed.id} class="flex items-center gap-2" dir="auto">
            {needed.solved && <Icon name="check" />}
            <a class="min-w-0 [overflow-wrap:anywhere]" href={paths.challenge(needed.id)}>
              {needed.title}
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

function OpenChallenge(props: { challenge: Challenge }) {
  const { challenge } = props
  return (
    <div class="challenge-columns">
      <div class="grid grid-cols-[minmax(0,1fr)] content-start gap-6">
        <article class="panel p-5 sm:p-7">
          <Markdown source={challenge.description} />
          {challenge.content !== '' && <Markdown source={challenge.content} class="mt-6" />}
        </article>
        <FlagForm key={challenge.id} challenge={challenge} />
      </div>
      <div class="grid grid-cols-[minmax(0,1fr)] content-start gap-6">
        {challenge.hints.length > 0 && <Hints challenge={challenge} />}
        <Solvers id={challenge.id} />
      </div>
    </div>
  )
}

export function ChallengeView(props: { id: number }) {
  const t = words.value
  const challenge = challenges.value?.find((entry) => entry.id === props.id)
  const back = <BackButton to={paths.challenges} />
  if (challenge === undefined) {
    const loading = challenges.value === null
    return (
      <Screen key={loading} title={t.challenges.title} before={back}>
        <p class="text-soft">{loading ? t.common.loading : t.challenge.gone}</p>
      </Screen>
    )
  }
  const aside = (
    <p class="flex min-w-0 flex-wrap items-center gap-2 text-sm">
      {challenge.category !== '' && <span class="chip">{challenge.category}</span>}
      {challenge.difficulty !== '' && <span class="chip">{challenge.difficulty}</span>}
      {challenge.solved && (
        <span class="chip chip-good">
          <Icon name="check" />
          {t.challenges.solved}
        </span>
      )}
      <span class="chip chip-strong">{formatPoints.value(challenge.points)}</span>
    </p>
  )
  return (
    <Screen key={challenge.id} title={challenge.title} before={back} aside={aside}>
      {challenge.locked ? (
        <LockedChallenge challenge={challenge} />
      ) : (
        <OpenChallenge challenge={challenge} />
      )}
    </Screen>
  )
}
