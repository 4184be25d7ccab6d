/* SPDX-License-Identifier: MIT */
/* Who solved a challenge, in order: one answer from the server, carried on by the live events. */
import { api, type Solver } from '../api'
import { nameOf, type Board } from '../board'
import { formatWhen } from '../clock'
import type { ScoreEvent } from '../events'
import { words } from '../i18n'
import { board } from '../live'
import { paths } from '../route'
import { me } from '../session'
import { useKept, type Keeper } from './kept'

const SHOWN = 50

/* Known solvers and newer solves, each once, in order. */
export function mergeSolvers(
  known: readonly Solver[],
  events: readonly ScoreEvent[],
  challengeId: number,
): readonly Solver[] {
  const seen = new Set(known.map((solver) => solver.seq))
  const fresh = events
    .filter((e) => e.kind === 'solve' && e.challengeId === challengeId && !seen.has(e.id))
    .map((e) => ({ userId: e.userId, name: e.name, ts: e.ts, seq: e.id, place: e.place ?? 0 }))
  if (fresh.length === 0) return known
  return [...known, ...fresh].sort((a, b) => a.seq - b.seq)
}

/* The last one's place says how many there are. */
function keeperOf(id: number): Keeper<readonly Solver[]> {
  return {
    ask: api.solvers,
    carryOn: (known, { recent }) => mergeSolvers(known, recent, id),
    isWhole: (known, { challenges }: Board) =>
      (known.at(-1)?.place ?? 0) === (challenges.get(id)?.solves ?? 0),
  }
}

export function Solvers(props: { id: number }) {
  const t = words.value.challenge
  const { known } = useKept(props.id, keeperOf(props.id))
  const solvers = known ?? []
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
              <bdi>{nameOf(board.value, solver)}</bdi>
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
