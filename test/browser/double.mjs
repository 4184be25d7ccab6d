// SPDX-License-Identifier: MIT
// double.mjs - a server that only looks like ctfg: for states that a real one reaches too seldom or
// too slowly (20,000 players, a limit, a lost connection, a clock).  It serves the built page with
// the same strict policy, and answers the page's calls from memory.
import { readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'

const built = process.env.CTFG_WEB ?? fileURLToPath(new URL('../../build/web', import.meta.url))
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const screens = /^\/($|challenges$|challenge\/\d+$|scoreboard$|player\/\d+$|name$|board$)/

/* Everything a test may set before or while the page is looking. */
export function makeWorld(more = {}) {
  return {
    name: 'Night at the Museum',
    accent: null,
    welcome: '',
    language: null,
    boardPublic: false,
    displayToken: null,
    startsTs: null,
    endsTs: null,
    challenges: [],
    players: [] /* {id, username, password, name, score, solves, ts} in rank order */,
    solved: new Map() /* user id -> Set of challenge ids */,
    hints: new Map() /* "user:challenge" -> count bought */,
    events: [],
    seq: 0,
    sessions: new Map(),
    triesLeft: 10,
    answers: new Map() /* "POST /api/login" -> {status, body, headers}: instead of the usual one */,
    calls: [],
    heard: [] /* what pages said on their streams */,
    ...more,
  }
}

export function addPlayers(world, count, score = (i) => (count - i) * 10) {
  for (let i = 0; i < count; i += 1) {
    const id = world.players.length + 1
    world.players.push({
      id,
      username: `p${id}`,
      password: 'secret',
      name: `Player ${id}`,
      score: score(i),
      solves: Math.min(count - i, 12),
      ts: score(i) > 0 ? Date.now() - 3_600_000 + i : null,
    })
  }
}

function rank(world) {
  return world.players
    .filter((p) => p.name !== null)
    .sort((a, b) => b.score - a.score || (a.ts ?? Infinity) - (b.ts ?? Infinity) || a.id - b.id)
}

function openTo(world, player, challenge) {
  const solved = world.solved.get(player.id) ?? new Set()
  return (challenge.requirements ?? []).every((id) => solved.has(id))
}

function listChallenges(world, player) {
  const solved = world.solved.get(player.id) ?? new Set()
  const title = (id) => world.challenges.find((c) => c.id === id)?.title ?? ''
  return world.challenges.map((c) => {
    const { id, category, difficulty, points } = c
    const common = { id, title: c.title, category, difficulty, points }
    if (!openTo(world, player, c)) {
      const requirements = c.requirements.map((need) => ({
        id: need,
        title: title(need),
        solved: solved.has(need),
      }))
      return { ...common, locked: true, requirements }
    }
    const bought = world.hints.get(`${player.id}:${id}`) ?? 0
    const hints = (c.hints ?? []).map((h, i) => ({
      id: h.id,
      cost: h.cost,
      ...(i < bought ? { text: h.text } : {}),
    }))
    const { description, content } = c
    return { ...common, solved: solved.has(id), description, content, hints }
  })
}

function boardOf(world) {
  const solves = (id) => world.events.filter((e) => e.place > 0 && e.challenge_id === id)
  return {
    seq: world.seq,
    ts: Date.now(),
    players: rank(world).map((p) => ({
      user_id: p.id,
      displayname: p.name,
      score: p.score,
      solves: p.solves,
      ts: p.ts,
    })),
    challenges: world.challenges.map((c) => ({
      id: c.id,
      title: c.title,
      category: c.category,
      points: c.points,
      solves: solves(c.id).length,
      first: solves(c.id)[0]?.user_id ?? null,
    })),
  }
}

/* An event happens: the board changes, every open stream hears of it. */
export function happen(server, event) {
  const { world } = server
  const player = world.players.find((p) => p.id === event.user_id)
  world.seq += 1
  const whole = { id: world.seq, ts: Date.now(), displayname: player.name, ...event }
  player.score += whole.points
  if (whole.type === 'score') {
    player.solves += 1
    player.ts = whole.ts
    const set = world.solved.get(player.id) ?? new Set()
    world.solved.set(player.id, set.add(whole.challenge_id))
  }
  world.events.push(whole)
  if (world.events.length > 5000) world.events.shift()
  server.send([whole])
  return whole
}

export function solve(server, userId, challengeId, more = {}) {
  const challenge = server.world.challenges.find((c) => c.id === challengeId)
  const place =
    1 + server.world.events.filter((e) => e.place > 0 && e.challenge_id === challengeId).length
  return happen(server, {
    type: 'score',
    user_id: userId,
    challenge_id: challengeId,
    challenge: challenge?.title ?? 'Something',
    points: challenge?.points ?? 10,
    place,
    solves: place,
    ...more,
  })
}

const refused = (status, error, more = {}) => ({ status, body: { error, ...more } })

function submit(server, player, { id, flag }) {
  const { world } = server
  const challenge = world.challenges.find((c) => c.id === id)
  if (challenge === undefined) return refused(400, 'unknown_id')
  if (!openTo(world, player, challenge)) return refused(403, 'locked')
  if (world.solved.get(player.id)?.has(id)) {
    return { body: { result: 'already_solved', total: player.score } }
  }
  if (world.triesLeft === 0) return refused(429, 'rate_limit_exceeded', { retry_after_ms: 2000 })
  if (flag.trim() !== challenge.testflag) {
    world.triesLeft -= 1
    const wait = world.triesLeft === 0 ? 2000 : 0
    return { body: { result: 'incorrect', tries_left: world.triesLeft, retry_after_ms: wait } }
  }
  const { points, place, ts, id: seq } = solve(server, player.id, id)
  return { body: { result: 'correct', points, total: player.score, seq, ts, place } }
}

function buy(server, player, { id, hint_id }) {
  const { world } = server
  const hint = world.challenges.find((c) => c.id === id)?.hints?.find((h) => h.id === hint_id)
  if (hint === undefined) return refused(400, 'unknown_hint')
  if (player.score < hint.cost) return refused(402, 'insufficient_points')
  const key = `${player.id}:${id}`
  world.hints.set(key, (world.hints.get(key) ?? 0) + 1)
  const more = { challenge_id: id, hint_id, points: -hint.cost }
  const { id: seq } = happen(server, { type: 'hint', user_id: player.id, ...more })
  return { body: { result: 'ok', text: hint.text, total: player.score, seq } }
}

function graphOf(world) {
  const players = rank(world).slice(0, 10)
  return {
    seq: world.seq,
    players: players.map((p) => {
      let total = 0
      const told = world.events.filter((e) => e.user_id === p.id)
      const before = p.score - told.reduce((sum, e) => sum + e.points, 0)
      const points = before === 0 ? [] : [[p.ts ?? Date.now() - 3_600_000, (total = before)]]
      for (const e of told) points.push([e.ts, (total += e.points)])
      return { user_id: p.id, displayname: p.name, points }
    }),
  }
}

function playerOf(world, id) {
  const player = world.players.find((p) => p.id === id)
  if (player === undefined) return refused(404, 'unknown_user')
  const place = rank(world).indexOf(player) + 1
  const events = world.events.filter((e) => e.user_id === id)
  const { name, score, solves } = player
  const told = events.reduce((sum, e) => sum + e.points, 0)
  const complete = told === score
  return { body: { user_id: id, displayname: name, score, solves, place, events, complete } }
}

function meOf(server, player) {
  return {
    username: player.username,
    displayname: player.name,
    needs_name: player.name === null,
    websocket_url: server.streamUrl,
    user_id: player.id,
    score: player.score,
    place: rank(server.world).indexOf(player) + 1 || null,
    submit_tries_left: server.world.triesLeft,
    submit_retry_after_ms: 0,
  }
}

function gameOf(world) {
  return {
    name: world.name,
    logo: null,
    banner: null,
    welcome: world.welcome,
    accent: world.accent,
    language: world.language,
    board_public: world.boardPublic,
    server_ts: Date.now(),
    version: '1.0.0',
    name_rules: { min: 2, max: 30 },
    starts_ts: world.startsTs,
    ends_ts: world.endsTs,
  }
}

function answer(server, request, url, body) {
  const { world } = server
  const call = `${request.method} ${url.pathname}`
  world.calls.push(call)
  const instead = world.answers.get(call)
  if (instead !== undefined) return instead
  const session = /ctfg_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1]
  const player = world.sessions.get(session)
  const bearer = request.headers.authorization === `Bearer ${world.displayToken}`
  const display = world.boardPublic || (world.displayToken !== null && bearer)
  const watcher = player !== undefined || display

  switch (call) {
    case 'GET /api/game':
      return { body: gameOf(world) }
    case 'POST /api/login': {
      const found = world.players.find((p) => p.username === body.username)
      if (found?.password !== body.password) return refused(401, 'invalid_credentials')
      const name = `s${Math.random().toString(36).slice(2)}`
      world.sessions.set(name, found)
      const cookie = `ctfg_session=${name}; Path=/; HttpOnly; SameSite=Lax`
      return { body: { displayname: found.name, needs_name: !found.name }, cookie }
    }
    case 'GET /api/me':
      return player ? { body: meOf(server, player) } : refused(401, 'no session')
    case 'GET /api/display':
      return display ? { body: { websocket_url: server.streamUrl } } : refused(401, 'unauthorized')
    case 'GET /api/scoreboard':
      return watcher ? { body: boardOf(world) } : refused(401, 'unauthorized')
    case 'GET /api/graph':
      return watcher ? { body: graphOf(world) } : refused(401, 'unauthorized')
    case 'GET /api/player':
      return watcher
        ? playerOf(world, Number(url.searchParams.get('user_id')))
        : refused(401, 'unauthorized')
    case 'GET /api/events': {
      if (!watcher) return refused(401, 'unauthorized')
      const after = Number(url.searchParams.get('after'))
      const events = world.events.filter((e) => e.id > after).slice(0, 1000)
      return { body: { events, next: null, oldest: world.events[0]?.id ?? 0, seq: world.seq } }
    }
    case 'GET /api/solves': {
      if (!watcher) return refused(401, 'unauthorized')
      const id = Number(url.searchParams.get('id'))
      const solves = world.events
        .filter((e) => e.place > 0 && e.challenge_id === id)
        .map(({ user_id, displayname, ts, id: seq, place }) => ({
          user_id,
          displayname,
          ts,
          seq,
          place,
        }))
      return { body: { id, solves, complete: true } }
    }
  }
  if (player === undefined) return refused(401, 'unauthorized')
  switch (call) {
    case 'POST /api/logout':
      world.sessions.delete(session)
      return { status: 204 }
    case 'POST /api/set-name':
      if (world.players.some((p) => p !== player && p.name === body.name)) {
        return refused(409, 'name_taken')
      }
      player.name = body.name
      return { body: { result: 'ok' } }
    case 'GET /api/challenges':
      return { body: listChallenges(world, player) }
    case 'POST /api/submit':
      return submit(server, player, body)
    case 'POST /api/hint':
      return buy(server, player, body)
    default:
      return refused(404, 'not_found')
  }
}

function serveFile(request, response, path) {
  const file = screens.test(path) ? '/index.html' : path
  if (!builtFiles.has(file)) return false
  const br = request.headers['accept-encoding']?.includes('br') && builtFiles.has(`${file}.br`)
  response.writeHead(200, {
    'content-type': types[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'cache-control': file.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    ...(br ? { 'content-encoding': 'br' } : {}),
  })
  response.end(builtFiles.get(br ? `${file}.br` : file))
  return true
}

/* path -> bytes: read at once, so that a build in between does not matter. */
const builtFiles = new Map()

function listFiles(folder, prefix) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) listFiles(join(folder, entry.name), `${prefix}${entry.name}/`)
    else builtFiles.set(prefix + entry.name, readFileSync(join(folder, entry.name)))
  }
}

/** Starts the double on a free port of the loopback: {url, world, send, drop, reset, stop}. */
export async function startDouble(world) {
  if (builtFiles.size === 0) listFiles(built, '/')
  const sockets = new WebSocketServer({ noServer: true })
  const http = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost')
    if (!url.pathname.startsWith('/api/') && serveFile(request, response, url.pathname)) return
    let text = ''
    request.on('data', (part) => (text += part))
    request.on('end', () => {
      const made = answer(server, request, url, text === '' ? {} : JSON.parse(text))
      response.writeHead(made.status ?? 200, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        ...(made.cookie ? { 'set-cookie': made.cookie } : {}),
        ...made.headers,
      })
      response.end(made.body === undefined ? '' : JSON.stringify(made.body))
    })
  })
  http.on('upgrade', (request, socket, head) => {
    const since = Number(new URL(request.url, 'http://localhost').searchParams.get('since') ?? 0)
    world.calls.push(`STREAM since=${since}`)
    if (world.answers.has('STREAM')) {
      socket.destroy()
      return
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data) => world.heard.push(data.toString()))
      client.send(JSON.stringify(world.events.filter((e) => e.id > since)))
    })
  })
  await new Promise((ready) => http.listen(0, '127.0.0.1', ready))
  const { port } = http.address()
  const server = {
    url: `http://127.0.0.1:${port}`,
    streamUrl: `ws://127.0.0.1:${port}/scorestream?token=double`,
    world,
    /* The cookie of a session that is open already, as Chromium's tools want it. */
    cookieFor: (username) => {
      const value = `of${username}`
      world.sessions.set(value, world.players.find((p) => p.username === username))
      return { name: 'ctfg_session', value, url: server.url, httpOnly: true }
    },
    send: (value) => {
      const frame = JSON.stringify(value)
      for (const client of sockets.clients) client.send(frame)
    },
    drop: (code) => {
      for (const client of sockets.clients) code ? client.close(code) : client.terminate()
    },
    reset: () => {
      world.sessions.clear()
      server.send({ type: 'system', event: 'reset', logout: true, ts: Date.now() })
      server.drop(1000)
    },
    stop: async () => {
      server.drop()
      http.closeAllConnections()
      await new Promise((done) => http.close(done))
    },
  }
  return server
}
