/* SPDX-License-Identifier: MIT */
/*
 * live.ts - the board of this page, kept in step with the server: snapshot first, then the stream
 * from its sequence on; a gap, a resync or a reset leads back to a snapshot.
 */
import { signal } from '@preact/signals'
import { api } from './api'
import {
  applyEvents,
  applySnapshot,
  emptyBoard,
  hasGap,
  rememberPast,
  RECENT_MAX,
  type Board,
} from './board'
import { isScore, type ScoreEvent, type StreamEvent } from './events'
import { openStream, type StreamState } from './stream'

export const board = signal<Board>(emptyBoard)
export const boardReady = signal(false)
export const streamState = signal<StreamState>({ kind: 'connecting' })

export interface LiveOwner {
  readonly past: number /* how many events from before the snapshot are wanted as well */
  readonly url: (fresh: boolean) => Promise<string | null>
  readonly onScores: (events: readonly ScoreEvent[]) => void
  readonly onReset: () => void
  readonly onFirst?: () => void /* the first snapshot is here */
  readonly onMissed?: () => void /* a later one brought what the stream did not */
  readonly onRefused: (reason: string) => void
}

const FLUSH_MS = 100 /* events are drawn in one go this often, however fast they come */
const GAP_MS = 1500 /* so long a missing event may still come by itself */
const HERD_MS = 1500 /* everyone is told to resync at once: spread the snapshots over this time */
const AGAIN_MS = 4000
const TICK_MS = 100 /* a snapshot may be a tick older than the stream */

export function startLive(owner: LiveOwner): () => void {
  let stopStream: (() => void) | null = null
  let stopped = false
  let queue: ScoreEvent[] = []
  let arrived: ScoreEvent[] | null = null /* since a snapshot was asked for */
  let flushTimer: ReturnType<typeof setTimeout> | undefined
  let reloadTimer: ReturnType<typeof setTimeout> | undefined
  let reloadWanted = false
  let neededSeq = 0 /* the stream does not send again what is not above it */

  function flush(): void {
    flushTimer = undefined
    const events = queue
    queue = []
    arrived?.push(...events)
    if (arrived !== null && arrived.length > RECENT_MAX)
      arrived.splice(0, arrived.length - RECENT_MAX)
    board.value = applyEvents(board.value, events)
    if (hasGap(board.value)) reloadSoon(GAP_MS)
    owner.onScores(events)
  }

  function reloadSoon(delayMs: number): void {
    if (stopped || reloadWanted) return
    reloadWanted = true
    reloadTimer = setTimeout(() => void reload(), delayMs)
  }

  async function reload(): Promise<void> {
    arrived = []
    const answer = await api.scoreboard()
    const since = arrived
    arrived = null
    reloadWanted = false
    if (isStopped()) return
    if (answer.kind === 'ok') {
      board.value = applyEvents(applySnapshot(emptyBoard, answer.value), since)
      boardReady.value = true
      if (owner.past > 0) void loadPast(answer.value.seq)
      if (answer.value.seq < neededSeq) reloadSoon(TICK_MS)
      else if (stopStream === null) owner.onFirst?.()
      else owner.onMissed?.()
      stopStream ??= openStream(streamOwner)
      return
    }
    if (answer.kind === 'refused' && answer.status === 401) owner.onRefused(answer.error)
    else reloadSoon(AGAIN_MS * (0.5 + Math.random()))
  }

  async function loadPast(seq: number): Promise<void> {
    const answer = await api.events(Math.max(0, seq - owner.past), owner.past)
    if (!isStopped() && answer.kind === 'ok') board.value = rememberPast(board.value, answer.value)
  }

  /* Asked after an await, where the compiler believes it cannot have changed. */
  function isStopped(): boolean {
    return stopped
  }

  function onEvents(events: StreamEvent[]): void {
    for (const event of events) {
      if (isScore(event)) {
        queue.push(event)
      } else if (event.kind === 'reset') {
        queue = []
        neededSeq = 0
        board.value = emptyBoard
        owner.onReset()
      } else {
        neededSeq = event.seq
        reloadSoon(Math.random() * HERD_MS)
      }
    }
    if (queue.length > 0) flushTimer ??= setTimeout(flush, FLUSH_MS)
  }

  const streamOwner = {
    url: owner.url,
    since: () => board.value.seq,
    onEvents,
    onState: (state: StreamState) => {
      streamState.value = state
    },
    onRefused: owner.onRefused,
  }

  boardReady.value = false
  board.value = emptyBoard
  streamState.value = { kind: 'connecting' }
  reloadSoon(0)

  return () => {
    stopped = true
    clearTimeout(flushTimer)
    clearTimeout(reloadTimer)
    stopStream?.()
  }
}

/* Asks for a snapshot now: something changed that is no event, such as a name. */
export async function refreshBoard(): Promise<void> {
  const answer = await api.scoreboard()
  if (answer.kind === 'ok') board.value = applySnapshot(board.value, answer.value)
}
