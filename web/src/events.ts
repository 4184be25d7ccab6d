/* SPDX-License-Identifier: MIT */
/* What the stream says: one frame of text -> a list of events, each one case of a union. */
import { fieldsOf, number, numberOrNull, text, type Fields } from './decode'

/* Somebody's total changed: a solve, a hint, or older events folded into one. */
export interface ScoreEvent {
  readonly kind: 'solve' | 'hint' | 'other'
  readonly id: number
  readonly ts: number
  readonly userId: number
  readonly name: string
  readonly challengeId: number
  readonly challenge: string
  readonly points: number
  readonly place: number | null
  readonly solves: number | null
  readonly reload: boolean
}

/* Something about the game as a whole. */
export interface SystemEvent {
  readonly kind: 'reset' | 'resync'
  readonly seq: number /* of a resync: behind which event the stream goes on */
  readonly ts: number
}

export type StreamEvent = ScoreEvent | SystemEvent

export function isScore(event: StreamEvent): event is ScoreEvent {
  return event.kind !== 'reset' && event.kind !== 'resync'
}

/* In a history a hint is of type "score" too; only a solve has a place among the solvers. */
function kindOf(fields: Fields): ScoreEvent['kind'] | null {
  if (fields.type === 'hint') return 'hint'
  if (fields.type !== 'score') return null
  if (number(fields.place) > 0) return 'solve'
  return number(fields.points) < 0 ? 'hint' : 'other'
}

export function parseScoreEvent(fields: Fields): ScoreEvent | null {
  const kind = kindOf(fields)
  const id = number(fields.id)
  if (kind === null || id <= 0) return null
  return {
    kind,
    id,
    ts: number(fields.ts),
    userId: number(fields.user_id),
    name: text(fields.displayname),
    challengeId: number(fields.challenge_id),
    challenge: text(fields.challenge),
    points: number(fields.points),
    place: numberOrNull(fields.place),
    solves: numberOrNull(fields.solves),
    reload: fields.reload === 'true' || fields.reload === true,
  }
}

function parseEvent(fields: Fields): StreamEvent | null {
  if (fields.type !== 'system') return parseScoreEvent(fields)
  if (fields.event === 'reset' || fields.event === 'resync') {
    return { kind: fields.event, seq: number(fields.seq), ts: number(fields.ts) }
  }
  return null
}

/* A frame that is no JSON, or holds what this page does not know, says nothing. */
export function parseFrame(frame: string): StreamEvent[] {
  let value: unknown
  try {
    value = JSON.parse(frame)
  } catch {
    return []
  }
  const events: StreamEvent[] = []
  for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const event = parseEvent(fieldsOf(item))
    if (event !== null) events.push(event)
  }
  return events
}
