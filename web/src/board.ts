/* SPDX-License-Identifier: MIT */
/*
 * board.ts - the scoreboard as a value: a snapshot, and the events after it.
 *
 * Pure.  The same snapshot and the same set of events give the same board whatever their order, and
 * an event that comes twice counts once.  Ids that are missing in between are remembered as a gap
 * (`ahead`); a later snapshot, or the missing events, close it.  Nothing given in is ever changed.
 */
import type { Snapshot } from './api'
import type { ScoreEvent } from './events'

export interface Player {
  readonly userId: number
  readonly name: string
  readonly nameId: number /* the event that told the name; 0: the snapshot did */
  readonly score: number
  readonly solves: number
  readonly raisedTs: number /* when the score was last raised; Infinity: never */
  readonly raisedId: number /* by which event; negative: by the snapshot's own order */
}

export interface BoardChallenge {
  readonly id: number
  readonly title: string
  readonly category: string
  readonly points: number
  readonly solves: number
  readonly first: number | null
}

export interface Board {
  readonly seq: number /* every event up to and including this one is in the board */
  readonly ahead: ReadonlySet<number> /* applied ids above seq: something in between is missing */
  readonly slots: ReadonlyMap<number, number> /* user id -> place in players[] */
  readonly players: readonly Player[]
  readonly ranking: readonly number[] /* slots, best first */
  readonly challenges: ReadonlyMap<number, BoardChallenge>
  readonly recent: readonly ScoreEvent[] /* newest last, at most RECENT_MAX */
}

/* Enough for a ticker and for joining a snapshot that was asked for while events came in. */
export const RECENT_MAX = 500

export const emptyBoard: Board = {
  seq: 0,
  ahead: new Set(),
  slots: new Map(),
  players: [],
  ranking: [],
  challenges: new Map(),
  recent: [],
}

/* Best first: more points, then who reached them first, then the lower number.  Never by name. */
export function comparePlayers(a: Player, b: Player): number {
  if (a.score !== b.score) return b.score - a.score
  if (a.raisedTs !== b.raisedTs) return a.raisedTs < b.raisedTs ? -1 : 1
  return a.raisedId - b.raisedId || a.userId - b.userId
}

/* The slot's place in the ranking, or where it would stand: a binary search by the player's value. */
function findPlace(ranking: readonly number[], players: readonly Player[], player: Player): number {
  let low = 0
  let high = ranking.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = players[ranking[middle] ?? 0]
    if (other !== undefined && comparePlayers(other, player) < 0) low = middle + 1
    else high = middle
  }
  return low
}

interface Draft {
  slots: ReadonlyMap<number, number>
  players: Player[]
  ranking: number[]
  challenges: Map<number, BoardChallenge>
}

/* The text the player has already, where it is the same: thousands of copies would pile up. */
function newName(before: Player, event: ScoreEvent): string {
  const isNew = event.id > before.nameId && event.name !== '' && event.name !== before.name
  return isNew ? event.name : before.name
}

function playerAfter(before: Player, event: ScoreEvent): Player {
  const raised =
    event.points > 0 &&
    (before.raisedTs === Infinity || event.ts > before.raisedTs
      ? true
      : event.ts === before.raisedTs && event.id > before.raisedId)
  return {
    userId: before.userId,
    name: newName(before, event),
    nameId: Math.max(before.nameId, event.id),
    score: before.score + event.points,
    solves: before.solves + (event.kind === 'solve' ? 1 : 0),
    raisedTs: raised ? event.ts : before.raisedTs,
    raisedId: raised ? event.id : before.raisedId,
  }
}

function newPlayer(event: ScoreEvent): Player {
  return {
    userId: event.userId,
    name: event.name,
    nameId: 0,
    score: 0,
    solves: 0,
    raisedTs: Infinity,
    raisedId: 0,
  }
}

function scorePlayer(draft: Draft, event: ScoreEvent): void {
  let slot = draft.slots.get(event.userId)
  if (slot === undefined) {
    slot = draft.players.length
    draft.slots = new Map(draft.slots).set(event.userId, slot)
    draft.players.push(newPlayer(event))
  } else {
    const before = draft.players[slot]
    if (before === undefined) return
    draft.ranking.splice(findPlace(draft.ranking, draft.players, before), 1)
  }
  const after = playerAfter(draft.players[slot] ?? newPlayer(event), event)
  draft.ranking.splice(findPlace(draft.ranking, draft.players, after), 0, slot)
  draft.players[slot] = after
}

function countSolve(draft: Draft, event: ScoreEvent): void {
  const before = draft.challenges.get(event.challengeId)
  draft.challenges.set(event.challengeId, {
    id: event.challengeId,
    title: before?.title ?? event.challenge,
    category: before?.category ?? '',
    points: before?.points ?? event.points,
    solves: (before?.solves ?? 0) + 1,
    first: event.place === 1 ? event.userId : (before?.first ?? null),
  })
}

/* Events the board has already, by id, change nothing. */
export function applyEvents(board: Board, events: readonly ScoreEvent[]): Board {
  const fresh = events.filter((event) => event.id > board.seq && !board.ahead.has(event.id))
  if (fresh.length === 0) return board
  const ahead = new Set(board.ahead)
  const draft: Draft = {
    slots: board.slots,
    players: board.players.slice(),
    ranking: board.ranking.slice(),
    challenges: new Map(board.challenges),
  }
  const taken: ScoreEvent[] = []
  for (const event of fresh) {
    if (ahead.has(event.id)) continue
    ahead.add(event.id)
    scorePlayer(draft, event)
    if (event.kind === 'solve') countSolve(draft, event)
    taken.push(event)
  }
  let seq = board.seq
  while (ahead.delete(seq + 1)) seq += 1
  const recent = [...board.recent, ...taken].sort((a, b) => a.id - b.id).slice(-RECENT_MAX)
  return { seq, ahead, ...draft, recent }
}

/*
 * A snapshot takes the place of the board; events that came since it was made are added again.
 * A snapshot older than the board is a late answer: the board stays.
 */
export function applySnapshot(board: Board, snapshot: Snapshot): Board {
  if (snapshot.seq < board.seq) return board
  const slots = new Map<number, number>()
  const players: Player[] = snapshot.players.map((player, index) => {
    slots.set(player.userId, index)
    return {
      userId: player.userId,
      name: player.name,
      nameId: 0,
      score: player.score,
      solves: player.solves,
      raisedTs: player.ts ?? Infinity,
      raisedId: index - snapshot.players.length,
    }
  })
  const base: Board = {
    seq: snapshot.seq,
    ahead: new Set(),
    slots,
    players,
    ranking: players.map((_, index) => index),
    challenges: new Map(snapshot.challenges.map((challenge) => [challenge.id, challenge])),
    recent: board.recent.filter((event) => event.id <= snapshot.seq),
  }
  return applyEvents(base, board.recent)
}

/* Puts events that the board's snapshot already counts back into its memory of what happened last. */
export function rememberPast(board: Board, past: readonly ScoreEvent[]): Board {
  const known = new Set(board.recent.map((event) => event.id))
  const told = past.filter((event) => event.id <= board.seq && !known.has(event.id))
  if (told.length === 0) return board
  const recent = [...told, ...board.recent].sort((a, b) => a.id - b.id).slice(-RECENT_MAX)
  return { ...board, recent }
}

/* An event that is missing between two others: the board shows less than the server knows. */
export function hasGap(board: Board): boolean {
  return board.ahead.size > 0
}

export function playerById(board: Board, userId: number): Player | null {
  const slot = board.slots.get(userId)
  return slot === undefined ? null : (board.players[slot] ?? null)
}

/* The name of now, also beside an event of before. */
export function nameOf(
  board: Board,
  who: { readonly userId: number; readonly name: string },
): string {
  return playerById(board, who.userId)?.name ?? who.name
}

/* 1 is the best; null: not on the board. */
export function placeOf(board: Board, userId: number): number | null {
  const player = playerById(board, userId)
  return player === null ? null : findPlace(board.ranking, board.players, player) + 1
}

export function playerAt(board: Board, place: number): Player | null {
  const slot = board.ranking[place - 1]
  return slot === undefined ? null : (board.players[slot] ?? null)
}

export function topPlayers(board: Board, count: number): Player[] {
  const top: Player[] = []
  for (const slot of board.ranking.slice(0, count)) {
    const player = board.players[slot]
    if (player !== undefined) top.push(player)
  }
  return top
}
