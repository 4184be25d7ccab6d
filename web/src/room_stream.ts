/* SPDX-License-Identifier: MIT */
/*
 * How the room's screen gets at the board: open to all, or by the organiser's display token, or by
 * the session of whoever opened it.  The token lives in memory only and is asked for once a page.
 */
import { signal } from '@preact/signals'
import { api, setDisplayToken } from './api'
import type { ScoreEvent } from './events'
import { startLive } from './live'

export type RoomAccess = 'asking' | 'token' | 'wrong' | 'open'

export const roomAccess = signal<RoomAccess>('asking')

const TICKER_EVENTS = 60
const MAX_FIRSTS = 20

/* First bloods that wait for their moment on the screen; the oldest give way. */
export const firstBloods = signal<readonly ScoreEvent[]>([])

export function dropFirstBlood(): void {
  firstBloods.value = firstBloods.value.slice(1)
}

function noteFirsts(events: readonly ScoreEvent[]): void {
  const firsts = events.filter((event) => event.kind === 'solve' && event.place === 1)
  if (firsts.length > 0) firstBloods.value = [...firstBloods.value, ...firsts].slice(-MAX_FIRSTS)
}

/* The screen may be an open one (or hold a token); else a player's own session will do. */
async function findUrl(): Promise<string | null> {
  const display = await api.display()
  if (display.kind === 'ok') return display.value
  if (display.kind === 'away' || display.status !== 401) return null
  const who = await api.me()
  return who.kind === 'ok' ? who.value.websocketUrl : null
}

let stop: (() => void) | null = null
let tokenGiven = false

function start(): void {
  stop?.()
  stop = startLive({
    past: TICKER_EVENTS,
    url: findUrl,
    onScores: noteFirsts,
    onReset: () => {
      firstBloods.value = []
      start()
    },
    onRefused: () => void enter(),
  })
}

/* Asks the server whether this screen may be shown, and starts it or asks for the token. */
export async function enter(): Promise<void> {
  for (;;) {
    const answer = await api.scoreboard()
    if (answer.kind === 'ok') {
      roomAccess.value = 'open'
      start()
      return
    }
    if (answer.kind === 'refused' && answer.status === 401) {
      stop?.()
      stop = null
      roomAccess.value = tokenGiven ? 'wrong' : 'token' /* without one a session has ended */
      return
    }
    await new Promise((wake) => setTimeout(wake, 2000 + Math.random() * 2000))
  }
}

export async function enterWith(token: string): Promise<void> {
  tokenGiven = true
  setDisplayToken(token)
  await enter()
}

export function leaveRoom(): void {
  stop?.()
  stop = null
  tokenGiven = false
  setDisplayToken(null)
  roomAccess.value = 'asking'
}
