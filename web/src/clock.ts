/* SPDX-License-Identifier: MIT */
/* Time: the server's clock as seen from here, the viewer's own zone, and one tick a second for what counts down. */
import { computed, signal, type ReadonlySignal } from '@preact/signals'
import { localeOf, words } from './i18n'

let offsetMs = 0

/* The answer carries the server's time; it was written about half-way between asking and hearing. */
export function measureClock(serverTs: number, askedAt: number, heardAt: number): void {
  if (serverTs > 0) offsetMs = serverTs - (askedAt + heardAt) / 2
}

export function serverNow(): number {
  return Date.now() + offsetMs
}

/* A time of the server's as the viewer's own clock would have shown it. */
export function viewerTime(ts: number): number {
  return ts - offsetMs
}

/* Counts seconds; whoever reads it is drawn again each second, nobody else is. */
const seconds = signal(0)
setInterval(() => {
  seconds.value += 1
}, 1000)

export function everySecond(): number {
  return seconds.value
}

type Formatter = (ts: number) => string

function formatter(options: Intl.DateTimeFormatOptions): ReadonlySignal<Formatter> {
  return computed(() => {
    const format = new Intl.DateTimeFormat(localeOf.value, options)
    return (ts: number) => format.format(viewerTime(ts))
  })
}

export const formatTime = formatter({ hour: '2-digit', minute: '2-digit', second: '2-digit' })
export const formatMoment = formatter({
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

/* Today's times need no day. */
export const formatWhen: ReadonlySignal<Formatter> = computed(() => {
  const [time, moment] = [formatTime.value, formatMoment.value]
  return (ts: number) => (serverNow() - ts < 20 * 3_600_000 ? time(ts) : moment(ts))
})

export const formatNumber: ReadonlySignal<Formatter> = computed(() => {
  const format = new Intl.NumberFormat(localeOf.value)
  return (value: number) => format.format(value)
})

/* "1 point", "1,250 points" */
export const formatPoints: ReadonlySignal<Formatter> = computed(() => {
  const [points, number] = [words.value.common.points, formatNumber.value]
  return (count: number) => points(count, number(count))
})

/* 3725 -> "1:02:05" */
export function formatSpan(totalSeconds: number): string {
  const left = Math.max(0, Math.ceil(totalSeconds))
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(left / 3600)
  const minutes = Math.floor((left % 3600) / 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`
}
