/* SPDX-License-Identifier: MIT */
/*
 * graph_data.ts - whose points over time are known here: the first ten from one answer, others
 * fetched when they are wanted, all of them carried on by the live events.
 */
import { signal, type ReadonlySignal } from '@preact/signals'
import { api } from './api'
import { playerById } from './board'
import { board } from './live'
import { extendSeries, seriesFromHistory, totalOf, type Series } from './series'

export interface GraphData {
  readonly series: ReadonlySignal<ReadonlyMap<number, Series>>
  readonly failed: ReadonlySignal<boolean>
  readonly want: (userIds: readonly number[]) => void /* exactly these, from now on */
  readonly stop: () => void
}

const REFRESH_MS = 1000
const WRONG_MS = 5000 /* a total that differs from the board's for so long is fetched again */

export function openGraphData(firstTen: boolean): GraphData {
  const series = signal<ReadonlyMap<number, Series>>(new Map())
  const failed = signal(false)
  const asked = new Set<number>()
  const wrongSince = new Map<number, number>()
  let wanted: readonly number[] = []
  let stopped = false
  let started = !firstTen

  async function loadFirst(): Promise<void> {
    const answer = await api.graph()
    started = true
    if (stopped) return
    failed.value = answer.kind !== 'ok'
    if (answer.kind === 'ok') {
      const next = new Map(series.value)
      for (const player of answer.value.players) {
        next.set(player.userId, { ...player, seq: answer.value.seq })
      }
      series.value = next
    }
    want(wanted)
  }

  async function loadOne(userId: number): Promise<void> {
    asked.add(userId)
    const answer = await api.player(userId)
    asked.delete(userId)
    if (stopped) return
    if (answer.kind !== 'ok') {
      setTimeout(() => want(wanted), WRONG_MS * (0.5 + Math.random()))
      return
    }
    series.value = new Map(series.value).set(userId, seriesFromHistory(answer.value))
    carryOn()
  }

  function want(userIds: readonly number[]): void {
    wanted = userIds
    if (!started || stopped) return
    for (const userId of wanted) {
      if (!series.value.has(userId) && !asked.has(userId)) void loadOne(userId)
    }
  }

  /* Only what is wanted is kept, so a screen that stays open all day does not grow. */
  function carryOn(): void {
    const { recent } = board.value
    const next = new Map<number, Series>()
    let changed = false
    for (const [userId, before] of series.value) {
      if (started && wanted.length > 0 && !wanted.includes(userId)) {
        changed = true
        continue
      }
      const after = extendSeries(before, recent)
      changed ||= after !== before
      next.set(userId, after)
      checkTotal(after)
    }
    if (changed) series.value = next
  }

  function checkTotal(known: Series): void {
    const player = playerById(board.value, known.userId)
    if (player === null || player.score === totalOf(known)) {
      wrongSince.delete(known.userId)
      return
    }
    const since = wrongSince.get(known.userId) ?? performance.now()
    wrongSince.set(known.userId, since)
    if (performance.now() - since > WRONG_MS && !asked.has(known.userId)) {
      wrongSince.delete(known.userId)
      void loadOne(known.userId)
    }
  }

  const timer = setInterval(carryOn, REFRESH_MS)
  if (firstTen) void loadFirst()
  return {
    series,
    failed,
    want,
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
  }
}
