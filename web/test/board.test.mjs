/* SPDX-License-Identifier: MIT */
/* The store: whatever happens to the events on their way, the board is the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, seeded, shuffled } from './load.mjs'

const board = await load('board.ts')
const { applyEvents, applySnapshot, comparePlayers, emptyBoard } = board

const PLAYERS = 12
const CHALLENGES = 9

function makeEvents(count, random, firstId = 1) {
  const solves = new Map()
  return Array.from({ length: count }, (_, i) => {
    const id = firstId + i
    const userId = 1 + Math.floor(random() * PLAYERS)
    const challengeId = 1 + Math.floor(random() * CHALLENGES)
    const hint = random() < 0.2
    const place = hint ? null : (solves.get(challengeId) ?? 0) + 1
    if (!hint) solves.set(challengeId, place)
    return {
      kind: hint ? 'hint' : 'solve',
      id,
      ts: 1000 + Math.floor(id / 3) /* several share a millisecond, as in a rush */,
      userId,
      name: `Player ${userId}${id > 40 ? '!' : ''}`,
      challengeId,
      challenge: `Challenge ${challengeId}`,
      points: hint ? -5 : 10 * challengeId,
      place,
      solves: place,
      reload: false,
    }
  })
}

/* What a person sees of a board: independent of how it is kept. */
function seen(shown) {
  return {
    seq: shown.seq,
    ahead: [...shown.ahead].sort((a, b) => a - b),
    players: shown.ranking.map((slot) => {
      const { userId, name, score, solves, raisedTs } = shown.players[slot]
      return { userId, name, score, solves, raisedTs }
    }),
    challenges: [...shown.challenges.values()].sort((a, b) => a.id - b.id),
    recent: shown.recent.map((event) => event.id),
  }
}

function snapshotOf(shown, seq) {
  return {
    seq,
    ts: 0,
    players: seen(shown).players.map((p) => ({
      userId: p.userId,
      name: p.name,
      score: p.score,
      solves: p.solves,
      ts: p.raisedTs === Infinity ? null : p.raisedTs,
    })),
    challenges: seen(shown).challenges,
  }
}

function inPieces(events, random) {
  const pieces = []
  for (let at = 0; at < events.length;) {
    const size = 1 + Math.floor(random() * 7)
    pieces.push(events.slice(at, at + size))
    at += size
  }
  return pieces
}

test('the same events in any order give the same board', () => {
  const random = seeded(1)
  const events = makeEvents(120, random)
  const expected = seen(applyEvents(emptyBoard, events))
  for (let round = 0; round < 60; round += 1) {
    let shown = emptyBoard
    for (const piece of inPieces(shuffled(events, random), random))
      shown = applyEvents(shown, piece)
    assert.deepEqual(seen(shown), expected, `round ${round}`)
  }
})

test('an event that comes twice counts once', () => {
  const random = seeded(2)
  const events = makeEvents(80, random)
  const expected = seen(applyEvents(emptyBoard, events))
  const doubled = shuffled([...events, ...events, ...events.slice(10, 30)], random)
  assert.deepEqual(seen(applyEvents(emptyBoard, doubled)), expected)
  let shown = applyEvents(emptyBoard, events)
  shown = applyEvents(shown, events)
  assert.deepEqual(seen(shown), expected)
})

test('the ranking is always the sorted one', () => {
  const random = seeded(3)
  let shown = emptyBoard
  for (const piece of inPieces(makeEvents(300, random), random)) {
    shown = applyEvents(shown, piece)
    const sorted = shown.players.slice().sort(comparePlayers)
    assert.deepEqual(
      shown.ranking.map((slot) => shown.players[slot].userId),
      sorted.map((player) => player.userId),
    )
    for (const [index, player] of sorted.entries()) {
      assert.equal(board.placeOf(shown, player.userId), index + 1)
    }
  }
})

test('a snapshot in the middle changes nothing, whenever it comes', () => {
  const random = seeded(4)
  const events = makeEvents(150, random)
  const expected = seen(applyEvents(emptyBoard, events))
  for (const cut of [0, 1, 50, 149, 150]) {
    const snapshot = snapshotOf(applyEvents(emptyBoard, events.slice(0, cut)), cut)
    const first = applyEvents(applySnapshot(emptyBoard, snapshot), shuffled(events, random))
    assert.deepEqual(seen(first).players, expected.players, `before the events, cut ${cut}`)
    assert.equal(first.seq, 150)
    const later = applySnapshot(
      applyEvents(emptyBoard, shuffled(events.slice(cut), random)),
      snapshot,
    )
    assert.deepEqual(seen(later).players, expected.players, `after the events, cut ${cut}`)
    assert.deepEqual(seen(later).challenges, expected.challenges)
  }
})

test('a gap is remembered, and closed by the missing events', () => {
  const events = makeEvents(20, seeded(5))
  const holed = applyEvents(emptyBoard, [...events.slice(0, 5), ...events.slice(8)])
  assert.equal(holed.seq, 5)
  assert.equal(board.hasGap(holed), true)
  const whole = applyEvents(holed, events.slice(5, 8))
  assert.equal(board.hasGap(whole), false)
  assert.deepEqual(seen(whole), seen(applyEvents(emptyBoard, events)))
})

test('a gap is closed by a snapshot', () => {
  const events = makeEvents(30, seeded(6))
  const holed = applyEvents(emptyBoard, [...events.slice(0, 5), ...events.slice(8)])
  const snapshot = snapshotOf(applyEvents(emptyBoard, events.slice(0, 12)), 12)
  const whole = applySnapshot(holed, snapshot)
  assert.equal(board.hasGap(whole), false)
  assert.equal(whole.seq, 30)
  assert.deepEqual(seen(whole).players, seen(applyEvents(emptyBoard, events)).players)
})

test('a late answer with an older snapshot is ignored', () => {
  const events = makeEvents(30, seeded(7))
  const shown = applyEvents(emptyBoard, events)
  assert.equal(
    applySnapshot(shown, snapshotOf(applyEvents(emptyBoard, events.slice(0, 9)), 9)),
    shown,
  )
})

test('a board that is given in is never changed', () => {
  const events = makeEvents(60, seeded(8))
  const before = applyEvents(emptyBoard, events.slice(0, 30))
  const copy = structuredClone(seen(before))
  applyEvents(before, events.slice(30))
  assert.deepEqual(seen(before), copy)
  assert.equal(emptyBoard.players.length, 0)
})

test('who reached the score first stands first, and a hint does not count as reaching', () => {
  const base = { kind: 'solve', challengeId: 1, challenge: 'x', place: 1, solves: 1, reload: false }
  const shown = applyEvents(emptyBoard, [
    { ...base, id: 1, ts: 10, userId: 1, name: 'A', points: 50 },
    { ...base, id: 2, ts: 20, userId: 2, name: 'B', points: 60 },
    { ...base, id: 3, ts: 30, userId: 2, name: 'B', points: -10, kind: 'hint', place: null },
  ])
  assert.deepEqual(
    shown.ranking.map((slot) => shown.players[slot].name),
    ['A', 'B'],
  )
})

test('a long game does not grow the memory of recent events', () => {
  const events = makeEvents(board.RECENT_MAX * 3, seeded(9))
  let shown = emptyBoard
  for (const event of events) shown = applyEvents(shown, [event])
  assert.equal(shown.recent.length, board.RECENT_MAX)
  assert.equal(shown.recent.at(-1).id, events.length)
  assert.equal(shown.ahead.size, 0)
})

test('past events fill the ticker and change no score', () => {
  const events = makeEvents(40, seeded(10))
  const whole = applyEvents(emptyBoard, events)
  const fresh = applySnapshot(emptyBoard, snapshotOf(whole, 40))
  const told = board.rememberPast(fresh, events.slice(20))
  assert.deepEqual(seen(told).players, seen(whole).players)
  assert.equal(told.recent.length, 20)
})
