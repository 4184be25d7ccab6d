/* SPDX-License-Identifier: MIT */
/* Bytes from outside: what they become, and that nothing strange gets through. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.mjs'

const { parseFrame } = await load('events.ts')
const stream = await load('stream.ts')

const solve = {
  id: 7,
  type: 'score',
  displayname: 'Ada',
  ts: 1000,
  challenge_id: 3,
  challenge: 'Rome',
  points: 50,
  user_id: 4,
  place: 1,
  solves: 1,
}

test('a solve, a hint and an older hint are told apart', () => {
  const bare = { ...solve }
  delete bare.place
  delete bare.solves
  const frame = [
    solve,
    { ...bare, id: 8, type: 'hint', hint_id: 1, points: -10 },
    { ...bare, id: 9, points: -10 },
    { ...bare, id: 10, challenge: 'Earlier', challenge_id: 0 },
  ]
  assert.deepEqual(
    parseFrame(JSON.stringify(frame)).map((event) => event.kind),
    ['solve', 'hint', 'hint', 'other'],
  )
})

test('a bare object is read as well as an array', () => {
  const reset = { type: 'system', event: 'reset', logout: true, ts: 5 }
  assert.deepEqual(parseFrame(JSON.stringify(reset)), [{ kind: 'reset', seq: 0, ts: 5 }])
  assert.deepEqual(
    parseFrame(JSON.stringify([{ type: 'system', event: 'resync', seq: 9, ts: 6 }])),
    [{ kind: 'resync', seq: 9, ts: 6 }],
  )
})

test('what is no event says nothing', () => {
  for (const frame of [
    '',
    'null',
    '42',
    '"x"',
    '[1,null,[]]',
    '{"type":"new"}',
    '[{"type":"score"}]',
    '{',
  ]) {
    assert.deepEqual(parseFrame(frame), [], frame)
  }
})

test('a field of another type becomes its default', () => {
  const [event] = parseFrame(
    JSON.stringify([{ ...solve, displayname: { a: 1 }, points: '9', ts: null }]),
  )
  assert.equal(event.name, '')
  assert.equal(event.points, 0)
  assert.equal(event.ts, 0)
})

test('waits grow, never beyond the bound, and spread', () => {
  for (let tries = 0; tries < 20; tries += 1) {
    const least = stream.waitBefore(tries, 1006, () => 0)
    const most = stream.waitBefore(tries, 1006, () => 1)
    assert.ok(least > 0 && most <= 20_000 && most >= 2 * least - 1)
  }
  assert.ok(stream.waitBefore(0, 1012, () => 1) <= 1500, 'an upgrade is over soon')
  assert.ok(stream.waitBefore(3, 1012, () => 0) >= 1000, 'but not if it failed again and again')
})

test('the first connection asks for everything, later ones only for what is new', () => {
  assert.equal(stream.withSince('ws://x/scorestream?token=t', 0), 'ws://x/scorestream?token=t')
  assert.equal(
    stream.withSince('ws://x/scorestream?token=t', 9),
    'ws://x/scorestream?token=t&since=9',
  )
})
