/* SPDX-License-Identifier: MIT */
/* Who solved a challenge, in order: one answer from the server, carried on by the live events. */
import { useEffect, useState } from 'preact/hooks'
import { api, type Solver } from '../api'
import { formatWhen } from '../clock'
import type { ScoreEvent } from '../events'
import { words } from '../i18n'
import { board } from '../live'
import { paths } from '../route'
import { me } from '../session'

const SHOWN = 50

/* Known solvers and newer solves, each once, in order. */
export function mergeSolvers(
  known: readonly Solver[],
  events: readonly ScoreEvent[],
  challengeId: number,
): Solver[] {
  const seen = new Set(known.map((solver) => solver.seq))
  const fresh = events
    .filter((e) => e.kind === 'solve' && e.challengeId === challengeId && !seen.has(e.id))
    .map((e) => ({ userId: e.userId, name: e.name, ts: e.ts, seq: e.id, place: e.place ?? 0 }))
  return [...known, ...fresh].sort((a, b) => a.seq - b.seq)
}

export function Solvers(props: { id: number }) {
  const t = words.value.challenge
  const [known, setKnown] = useState<readonly Solver[] | null>(null)
  useEffect(() => {
    let current = true
    void api.solvers(props.id).then((answer) => {
      if (current && answer.kind === 'ok') setKnown(answer.value)
    })
    return () => {
      current = false
    }
  }, [props.id])
  const solvers = mergeSolvers(known ?? [], board.value.recent, props.id)
  const shown = solvers.slice(0, SHOWN)
  return (
    <section class="panel p-5" aria-labelledby="solvers-title">
      <h2 id="solvers-title" class="section-title mb-3">
        {t.solvers}
      </h2>
      {known !== null && shown.length === 0 && <p class="text-soft">{t.solversNone}</p>}
      <ol class="grid gap-1.5">
        {shown.map((solver) => (
          <li key={solver.seq} class="solver" data-mine={solver.userId === me.value?.userId}>
            <span class="solver-place">{solver.place}</span>
            <a href={paths.player(solver.userId)} class="min-w-0 truncate">
              <bdi>{solver.name}</bdi>
            </a>
            <span class="text-sm text-soft">{formatWhen.value(solver.ts)}</span>
          </li>
        ))}
      </ol>
      {solvers.length > SHOWN && (
        <p class="mt-2 text-soft">{t.solversMore(solvers.length - SHOWN)}</p>
      )}
    </section>
  )
}
