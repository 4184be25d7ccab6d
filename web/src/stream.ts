/* SPDX-License-Identifier: MIT */
/*
 * stream.ts - one WebSocket that stays: reconnects with jitter, asks only for what it missed.
 *
 * The owner says where to connect (`url`, asked anew after a refusal, since a token ends after an
 * hour) and from which event on (`since`).  Everything it learns goes to `onEvents` and `onState`.
 * openStream() hands back its undo.
 */
import { parseFrame, type StreamEvent } from './events'

export type StreamState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'waiting'; readonly untilMs: number } /* performance.now() of the next try */
  | { readonly kind: 'offline' }

export interface StreamOwner {
  readonly url: (fresh: boolean) => Promise<string | null> /* null: not now, try again later */
  readonly since: () => number
  readonly onEvents: (events: StreamEvent[]) => void
  readonly onState: (state: StreamState) => void
  readonly onRefused: (reason: string) => void /* the server ended our session (close 1008) */
}

/* What the server's close codes ask for: [least, most] wait before the first try, ms. */
const WAITS: Readonly<Record<number, readonly [number, number]>> = {
  1001: [300, 3000] /* it drains: a successor is coming up */,
  1012: [100, 1500] /* it is being upgraded */,
  1013: [1000, 4000] /* we were too slow: give the line a rest */,
}
const FIRST_WAIT_MS = 400
const LONGEST_WAIT_MS = 20_000
const PING_MS = 30_000
const ASLEEP_MS = 20_000 /* a timer this late means that the machine slept: the socket is stale */
const THROTTLED_MS = 60_000 /* browsers let a hidden page's timers run once a minute */

export function waitBefore(tries: number, code: number, random: () => number): number {
  const asked = tries === 0 ? WAITS[code] : undefined
  if (asked !== undefined) return asked[0] + random() * (asked[1] - asked[0])
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries)
  return most / 2 + (random() * most) / 2
}

export function withSince(url: string, since: number): string {
  return since > 0 ? `${url}&since=${since}` : url
}

export function openStream(owner: StreamOwner): () => void {
  let socket: WebSocket | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let tries = 0
  let fresh = false
  let closed = false
  let beat = performance.now()
  let hiddenAtBeat = document.hidden

  function retry(code: number): void {
    if (closed) return
    if (!navigator.onLine) {
      owner.onState({ kind: 'offline' })
      return /* the browser's "online" event starts the next try */
    }
    const wait = waitBefore(tries, code, Math.random)
    tries += 1
    owner.onState({ kind: 'waiting', untilMs: performance.now() + wait })
    clearTimeout(timer)
    timer = setTimeout(() => void connect(), wait)
  }

  async function connect(): Promise<void> {
    if (isTaken()) return
    clearTimeout(timer)
    owner.onState({ kind: 'connecting' })
    const url = await owner.url(fresh)
    if (isTaken()) return
    if (url === null) {
      retry(0)
      return
    }
    listen(new WebSocket(withSince(url, owner.since())))
  }

  /* Asked after an await, where the compiler believes it cannot have changed. */
  function isTaken(): boolean {
    return closed || socket !== null
  }

  function listen(opened: WebSocket): void {
    let ready = false
    socket = opened
    opened.onmessage = (message) => {
      if (socket !== opened || typeof message.data !== 'string') return
      if (!ready) {
        ready = true /* the first frame is what we missed: only now are we up to date */
        tries = 0
        fresh = false
        owner.onState({ kind: 'live' })
      }
      owner.onEvents(parseFrame(message.data))
    }
    opened.onclose = (event) => {
      if (socket !== opened) return
      socket = null
      if (!ready) fresh = true
      if (event.code === 1008) {
        fresh = true
        owner.onRefused(event.reason)
      }
      retry(event.code)
    }
  }

  function drop(): void {
    const dropped = socket
    socket = null
    dropped?.close()
  }

  function onOnline(): void {
    tries = 0
    drop()
    void connect()
  }

  function onOffline(): void {
    drop()
    clearTimeout(timer)
    owner.onState({ kind: 'offline' })
  }

  const pulse = setInterval(() => {
    const now = performance.now()
    const slack = hiddenAtBeat || document.hidden ? THROTTLED_MS + ASLEEP_MS : ASLEEP_MS
    if (now - beat > PING_MS + slack) onOnline()
    else if (socket?.readyState === WebSocket.OPEN) socket.send('ping')
    beat = now
    hiddenAtBeat = document.hidden
  }, PING_MS)

  addEventListener('online', onOnline)
  addEventListener('offline', onOffline)
  if (navigator.onLine) void connect()
  else owner.onState({ kind: 'offline' })

  return () => {
    closed = true
    clearTimeout(timer)
    clearInterval(pulse)
    removeEventListener('online', onOnline)
    removeEventListener('offline', onOffline)
    drop()
  }
}
