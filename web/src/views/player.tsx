/* SPDX-License-Identifier: MIT */
/* One player: place, score, and every solve over time. */
import { useMemo } from 'preact/hooks'
import { api, type PlayerHistory } from '../api'
import { placeOf, playerById, type Board } from '../board'
import { formatMoment, formatNumber } from '../clock'
import type { ScoreEvent } from '../events'
import { words } from '../i18n'
import { board } from '../live'
import { commonFailure } from '../parts/failure'
import { Graph } from '../parts/graph'
import { isFinal, useKept, type Keeper } from '../parts/kept'
import { Screen } from '../parts/screen'
import { paths } from '../route'
import { seriesFromHistory } from '../series'
import { BackButton } from './challenge'

/* What the server told, and what came since. */
function carryOn(known: PlayerHistory, { recent }: Board): PlayerHistory {
  const last = known.events.at(-1)?.id ?? 0
  const fresh = recent.filter((event) => event.userId === known.userId && event.id > last)
  if (fresh.length === 0) return known
  return {
    ...known,
    score: fresh.reduce((sum, event) => sum + event.points, known.score),
    solves: known.solves + fresh.filter((event) => event.kind === 'solve').length,
    events: [...known.events, ...fresh],
  }
}

const keeper: Keeper<PlayerHistory> = {
  ask: api.player,
  carryOn,
  isWhole: (known, board) => {
    const live = playerById(board, known.userId)
    return live === null || (live.score === known.score && live.solves === known.solves)
  },
}

function Numbers(props: { userId: number; history: PlayerHistory }) {
  const t = words.value.player
  const live = playerById(board.value, props.userId)
  const place = placeOf(board.value, props.userId) ?? props.history.place
  return (
    <dl class="numbers">
      <div>
        <dt>{t.place}</dt>
        <dd>{place === null ? '–' : words.value.common.place(place)}</dd>
      </div>
      <div>
        <dt>{t.score}</dt>
        <dd>{formatNumber.value(live?.score ?? props.history.score)}</dd>
      </div>
      <div>
        <dt>{t.solved}</dt>
        <dd>{live?.solves ?? props.history.solves}</dd>
      </div>
    </dl>
  )
}

function eventLabel(event: ScoreEvent): string {
  const t = words.value.player
  const title =
    event.challenge === ''
      ? (board.value.challenges.get(event.challengeId)?.title ?? '')
      : event.challenge
  if (event.kind === 'hint') return `${t.hint}: ${title}`
  return event.kind === 'other' && event.challengeId === 0 ? t.earlier : title
}

function History(props: { events: readonly ScoreEvent[]; complete: boolean }) {
  const t = words.value.player
  if (props.events.length === 0) return <p class="text-soft">{t.none}</p>
  return (
    <div class="md-wide" tabIndex={0} role="group" aria-label={t.history}>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">{t.time}</th>
            <th scope="col">{t.challenge}</th>
            <th scope="col" class="text-right">
              {t.points}
            </th>
          </tr>
        </thead>
        <tbody>
          {[...props.events].reverse().map((event) => (
            <tr key={event.id}>
              <td class="whitespace-nowrap text-soft">{formatMoment.value(event.ts)}</td>
              <td dir="auto">
                {eventLabel(event)}
                {event.place === 1 && (
                  <span class="chip chip-strong ml-2">{words.value.room.firstBlood}</span>
                )}
              </td>
              <td class="text-right tabular-nums">
                {event.points > 0 ? '+' : ''}
                {formatNumber.value(event.points)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {!props.complete && <p class="mt-2 text-sm text-soft">{t.partial}</p>}
    </div>
  )
}

function Player(props: { history: PlayerHistory }) {
  const t = words.value.player
  const { history } = props
  const series = useMemo(() => seriesFromHistory(history), [history])
  return (
    <div class="grid grid-cols-[minmax(0,1fr)] gap-6">
      <Numbers userId={history.userId} history={history} />
      <section class="panel p-5" aria-labelledby="player-graph">
        <h2 id="player-graph" class="section-title mb-3">
          {t.graph}
        </h2>
        <Graph all={[series]} />
      </section>
      <section class="panel p-5" aria-labelledby="player-history">
        <h2 id="player-history" class="section-title mb-3">
          {t.history}
        </h2>
        <History events={history.events} complete={history.complete} />
      </section>
    </div>
  )
}

export function PlayerView(props: { id: number }) {
  const t = words.value
  const { known: history, failure } = useKept(props.id, keeper)
  const gone = isFinal(failure)
  const name = playerById(board.value, props.id)?.name ?? history?.name ?? ''
  return (
    <Screen
      title={name === '' ? t.board.player : name}
      before={<BackButton to={paths.scoreboard} />}
    >
      {history !== null && <Player history={history} />}
      {history === null && failure === null && <p class="text-soft">{t.common.loading}</p>}
      {gone && <p class="text-soft">{t.player.gone}</p>}
      {failure !== null && !gone && (
        <p role="alert" class="note note-bad">
          {commonFailure({ kind: 'away' }, t)}
        </p>
      )}
    </Screen>
  )
}
