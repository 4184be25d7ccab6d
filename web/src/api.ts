/* SPDX-License-Identifier: MIT */
/*
 * api.ts - the only place that fetches.  Every answer leaves here as one case of Answer<T>, its
 * bytes parsed into our own types: no view ever sees what the server really sent.
 */
import { fieldsOf, listOf, number, numberOrNull, text, textOrNull, truth } from './decode'
import type { Fields } from './decode'
import { parseScoreEvent, type ScoreEvent } from './events'

export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly error: string
      readonly retryAfterMs: number
    }
  | { readonly kind: 'away' } /* no answer, or a proxy's word that the server is not there */

export interface Game {
  readonly name: string
  readonly logo: string | null
  readonly banner: string | null
  readonly welcome: string
  readonly accent: string | null
  readonly language: string | null
  readonly boardPublic: boolean
  readonly serverTs: number
  readonly version: string
  readonly nameRules: NameRules
  readonly startsTs: number | null
  readonly endsTs: number | null
}

export interface NameRules {
  readonly min: number
  readonly max: number
  readonly blocked: readonly string[]
}

export interface Login {
  readonly needsName: boolean
  readonly displayname: string | null
}

export interface Me {
  readonly username: string
  readonly displayname: string | null
  readonly needsName: boolean
  readonly websocketUrl: string
  readonly userId: number
  readonly score: number
  readonly place: number | null
  readonly triesLeft: number | null
  readonly retryAfterMs: number
}

export interface Hint {
  readonly id: number
  readonly cost: number
  readonly text: string | null
}

export interface Requirement {
  readonly id: number
  readonly title: string
  readonly solved: boolean
}

export interface Challenge {
  readonly id: number
  readonly title: string
  readonly category: string
  readonly difficulty: string
  readonly points: number
  readonly solved: boolean
  readonly locked: boolean
  readonly description: string
  readonly content: string
  readonly hints: readonly Hint[]
  readonly requirements: readonly Requirement[]
}

export type Verdict =
  | {
      readonly result: 'correct'
      readonly points: number
      readonly total: number
      readonly place: number | null
    }
  | { readonly result: 'already_solved'; readonly total: number }
  | {
      readonly result: 'incorrect'
      readonly triesLeft: number | null
      readonly retryAfterMs: number
    }

export interface Bought {
  readonly text: string | null
  readonly total: number | null
}

export interface SnapshotPlayer {
  readonly userId: number
  readonly name: string
  readonly score: number
  readonly solves: number
  readonly ts: number | null
}

export interface SnapshotChallenge {
  readonly id: number
  readonly title: string
  readonly category: string
  readonly points: number
  readonly solves: number
  readonly first: number | null
}

export interface Snapshot {
  readonly seq: number
  readonly ts: number
  readonly players: readonly SnapshotPlayer[]
  readonly challenges: readonly SnapshotChallenge[]
}

export interface Solver {
  readonly userId: number
  readonly name: string
  readonly ts: number
  readonly seq: number
  readonly place: number
}

export interface PlayerHistory {
  readonly userId: number
  readonly name: string
  readonly score: number
  readonly solves: number
  readonly place: number | null
  readonly events: readonly ScoreEvent[]
  readonly complete: boolean
}

export interface GraphPlayer {
  readonly userId: number
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}

export interface Graph {
  readonly seq: number
  readonly players: readonly GraphPlayer[]
}

/* A screen that has no session shows who it is with the organiser's token; memory only. */
let displayToken: string | null = null

export function setDisplayToken(token: string | null): void {
  displayToken = token
}

const TIMEOUT_MS = 15_000

function retryAfterOf(answer: Response, fields: Fields): number {
  const exact = numberOrNull(fields.retry_after_ms)
  if (exact !== null) return exact
  return Math.max(0, Number(answer.headers.get('retry-after') ?? 0) || 0) * 1000
}

async function call<T>(
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
  parse: (value: unknown) => T,
): Promise<Answer<T>> {
  const headers: Record<string, string> = {}
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (displayToken !== null) headers.authorization = `Bearer ${displayToken}`
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS)
  try {
    const answer = await fetch(path, {
      method,
      headers,
      signal: stop.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const raw = await answer.text()
    let value: unknown = null
    try {
      value = raw === '' ? null : JSON.parse(raw)
    } catch {
      return { kind: 'away' } /* not our server's words: a proxy's error page */
    }
    if (answer.ok) return { kind: 'ok', value: parse(value) }
    if (answer.status === 502 || answer.status === 504) return { kind: 'away' }
    const fields = fieldsOf(value)
    return {
      kind: 'refused',
      status: answer.status,
      error: text(fields.error),
      retryAfterMs: retryAfterOf(answer, fields),
    }
  } catch {
    return { kind: 'away' }
  } finally {
    clearTimeout(timer)
  }
}

function parseGame(value: unknown): Game {
  const game = fieldsOf(value)
  const rules = fieldsOf(game.name_rules)
  return {
    name: textOrNull(game.name) ?? 'ctfg',
    logo: textOrNull(game.logo),
    banner: textOrNull(game.banner),
    welcome: text(game.welcome),
    accent: textOrNull(game.accent),
    language: textOrNull(game.language),
    boardPublic: game.board_public === true,
    serverTs: number(game.server_ts),
    version: text(game.version),
    nameRules: {
      min: number(rules.min) || 2,
      max: number(rules.max) || 30,
      blocked: Array.isArray(rules.blocked) ? rules.blocked.map(text).filter((w) => w !== '') : [],
    },
    startsTs: numberOrNull(game.starts_ts),
    endsTs: numberOrNull(game.ends_ts),
  }
}

function parseMe(value: unknown): Me {
  const me = fieldsOf(value)
  return {
    username: text(me.username),
    displayname: textOrNull(me.displayname),
    needsName: me.needs_name === true,
    websocketUrl: text(me.websocket_url),
    userId: number(me.user_id),
    score: number(me.score),
    place: numberOrNull(me.place),
    triesLeft: numberOrNull(me.submit_tries_left),
    retryAfterMs: number(me.submit_retry_after_ms),
  }
}

function parseChallenge(entry: Fields): Challenge | null {
  const id = number(entry.id)
  if (id <= 0) return null
  return {
    id,
    title: text(entry.title),
    category: text(entry.category),
    difficulty: text(entry.difficulty),
    points: number(entry.points),
    solved: truth(entry.solved),
    locked: entry.locked === true,
    description: text(entry.description),
    content: text(entry.content),
    hints: listOf(entry.hints, (hint) => ({
      id: number(hint.id),
      cost: number(hint.cost),
      text: typeof hint.text === 'string' ? hint.text : null,
    })).sort((a, b) => a.id - b.id),
    requirements: listOf(entry.requirements, (needed) => ({
      id: number(needed.id),
      title: text(needed.title),
      solved: truth(needed.solved),
    })),
  }
}

function parseVerdict(value: unknown): Verdict {
  const verdict = fieldsOf(value)
  switch (verdict.result) {
    case 'correct':
      return {
        result: 'correct',
        points: number(verdict.points),
        total: number(verdict.total),
        place: numberOrNull(verdict.place),
      }
    case 'already_solved':
      return { result: 'already_solved', total: number(verdict.total) }
    default:
      return {
        result: 'incorrect',
        triesLeft: numberOrNull(verdict.tries_left),
        retryAfterMs: number(verdict.retry_after_ms),
      }
  }
}

function parseSnapshot(value: unknown): Snapshot {
  const snapshot = fieldsOf(value)
  return {
    seq: number(snapshot.seq),
    ts: number(snapshot.ts),
    players: listOf(snapshot.players, (player) => ({
      userId: number(player.user_id),
      name: text(player.displayname),
      score: number(player.score),
      solves: number(player.solves),
      ts: numberOrNull(player.ts),
    })),
    challenges: listOf(snapshot.challenges, (challenge) => ({
      id: number(challenge.id),
      title: text(challenge.title),
      category: text(challenge.category),
      points: number(challenge.points),
      solves: number(challenge.solves),
      first: numberOrNull(challenge.first),
    })),
  }
}

function parseSolvers(value: unknown): Solver[] {
  return listOf(fieldsOf(value).solves, (solver) => ({
    userId: number(solver.user_id),
    name: text(solver.displayname),
    ts: number(solver.ts),
    seq: number(solver.seq),
    place: number(solver.place),
  }))
}

function parsePlayer(value: unknown): PlayerHistory {
  const player = fieldsOf(value)
  return {
    userId: number(player.user_id),
    name: text(player.displayname),
    score: number(player.score),
    solves: number(player.solves),
    place: numberOrNull(player.place),
    events: listOf(player.events, parseScoreEvent),
    complete: player.complete !== false,
  }
}

function parsePoints(value: unknown): [number, number][] {
  if (!Array.isArray(value)) return []
  return value.flatMap((pair: unknown): [number, number][] =>
    Array.isArray(pair) ? [[number(pair[0]), number(pair[1])]] : [],
  )
}

function parseGraph(value: unknown): Graph {
  const graph = fieldsOf(value)
  return {
    seq: number(graph.seq),
    players: listOf(graph.players, (player) => ({
      userId: number(player.user_id),
      name: text(player.displayname),
      points: parsePoints(player.points),
    })),
  }
}

const ignore = (): null => null

export const api = {
  game: () => call('GET', '/api/game', undefined, parseGame),
  me: () => call('GET', '/api/me', undefined, parseMe),
  login: (username: string, password: string) =>
    call('POST', '/api/login', { username, password }, (value): Login => {
      const login = fieldsOf(value)
      return { needsName: login.needs_name === true, displayname: textOrNull(login.displayname) }
    }),
  logout: () => call('POST', '/api/logout', {}, ignore),
  setName: (name: string) => call('POST', '/api/set-name', { name }, ignore),
  challenges: () =>
    call('GET', '/api/challenges?locked=1', undefined, (value) => listOf(value, parseChallenge)),
  submit: (id: number, flag: string) => call('POST', '/api/submit', { id, flag }, parseVerdict),
  buyHint: (id: number, hintId: number) =>
    call('POST', '/api/hint', { id, hint_id: hintId }, (value): Bought => {
      const bought = fieldsOf(value)
      return {
        text: typeof bought.text === 'string' ? bought.text : null,
        total: numberOrNull(bought.total),
      }
    }),
  scoreboard: () => call('GET', '/api/scoreboard', undefined, parseSnapshot),
  solvers: (id: number) => call('GET', `/api/solves?id=${id}`, undefined, parseSolvers),
  player: (userId: number) => call('GET', `/api/player?user_id=${userId}`, undefined, parsePlayer),
  graph: () => call('GET', '/api/graph', undefined, parseGraph),
  events: (after: number, limit: number) =>
    call('GET', `/api/events?after=${after}&limit=${limit}`, undefined, (value) =>
      listOf(fieldsOf(value).events, parseScoreEvent),
    ),
  display: () =>
    call('GET', '/api/display', undefined, (value) => text(fieldsOf(value).websocket_url)),
}
