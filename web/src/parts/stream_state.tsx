/* SPDX-License-Identifier: MIT */
/* Whether what you see is live: always visible, in words as well as in colour. */
import { useEffect, useRef } from 'preact/hooks'
import { announce } from '../announce'
import { everySecond } from '../clock'
import { words } from '../i18n'
import { streamState } from '../live'

const QUIET_MS = 4000 /* a short loss is not worth a sentence in anybody's ear */

function secondsUntil(untilMs: number): number {
  everySecond()
  return Math.max(0, Math.ceil((untilMs - performance.now()) / 1000))
}

function sentence(): string {
  const state = streamState.value
  const t = words.value.stream
  switch (state.kind) {
    case 'live':
      return t.live
    case 'connecting':
      return t.connecting
    case 'waiting':
      return t.waiting(secondsUntil(state.untilMs))
    case 'offline':
      return t.offline
  }
}

export function StreamState() {
  const { kind } = streamState.value
  const told = useRef(false)
  useEffect(() => {
    if (kind === 'live') {
      if (told.current) announce(words.peek().stream.saidLive)
      told.current = false
      return
    }
    const timer = setTimeout(() => {
      if (!told.current) announce(words.peek().stream.saidLost)
      told.current = true
    }, QUIET_MS)
    return () => clearTimeout(timer)
  }, [kind])
  return (
    <span class="stream-state" data-state={kind}>
      <span class="stream-dot" aria-hidden="true" />
      <span class="sr-only">{words.value.stream.label}: </span>
      <span>{sentence()}</span>
    </span>
  )
}
