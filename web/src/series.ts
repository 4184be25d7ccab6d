/* SPDX-License-Identifier: MIT */
/* series.ts - points over time as values: from histories and events to what the graph draws.  Pure. */
import type { PlayerHistory } from './api'
import type { ScoreEvent } from './events'

export type Point = readonly [ts: number, total: number]

export interface Series {
  readonly userId: number
  readonly name: string
  readonly seq: number /* events up to this one are in it */
  readonly points: readonly Point[]
}

export function totalOf(series: Series): number {
  return series.points.at(-1)?.[1] ?? 0
}

/* Of a long history only the newest events may be told; what they do not explain came before. */
export function seriesFromHistory(history: PlayerHistory): Series {
  const { userId, name, events } = history
  const told = events.reduce((sum, event) => sum + event.points, 0)
  const first = events[0]
  const before = history.complete || first === undefined ? 0 : history.score - told
  const points: Point[] = before === 0 ? [] : [[(first?.ts ?? 0) - 1, before]]
  return extendSeries({ userId, name, seq: 0, points }, events)
}

/* Adds what is newer than the series; events of others, and those it has, change nothing. */
export function extendSeries(series: Series, events: readonly ScoreEvent[]): Series {
  const fresh = events
    .filter((event) => event.userId === series.userId && event.id > series.seq)
    .sort((a, b) => a.id - b.id)
  if (fresh.length === 0) return series
  const points = series.points.slice()
  let total = totalOf(series)
  let { seq, name } = series
  for (const event of fresh) {
    if (event.id === seq) continue
    total += event.points
    points.push([event.ts, total])
    seq = event.id
    if (event.name !== '') name = event.name
  }
  return { userId: series.userId, name, seq, points }
}

export interface Aligned {
  readonly seconds: number[]
  readonly totals: number[][]
}

/*
 * All series over one time axis: a total holds until it changes, everyone starts at 0, and the
 * lines reach up to `nowTs`.
 */
export function alignSeries(all: readonly Series[], nowTs: number): Aligned {
  const moments = new Set<number>()
  for (const series of all) for (const [ts] of series.points) moments.add(ts)
  if (moments.size === 0) return { seconds: [], totals: all.map(() => []) }
  const times = [...moments].sort((a, b) => a - b)
  const first = times[0] ?? nowTs
  const last = times.at(-1) ?? nowTs
  times.unshift(first - 1000)
  if (nowTs > last) times.push(nowTs)
  const totals = all.map((series) => {
    let next = 0
    let total = 0
    return times.map((ts) => {
      let point = series.points[next]
      while (point !== undefined && point[0] <= ts) {
        total = point[1]
        next += 1
        point = series.points[next]
      }
      return total
    })
  })
  return { seconds: times.map((ts) => ts / 1000), totals }
}
