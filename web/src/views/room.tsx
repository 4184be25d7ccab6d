/* SPDX-License-Identifier: MIT */
/* The room's screen: for a projector, read from the last row, left alone all day. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { nameOf, topPlayers, type Board, type Player } from '../board'
import { everySecond, formatNumber, formatSpan, formatTime, serverNow } from '../clock'
import { openGraphData } from '../graph_data'
import { words } from '../i18n'
import { addSighting, movementOf, type Sighting } from '../movement'
import { useCalmBoard } from '../parts/calm_board'
import { useFreshBoard } from '../parts/fresh_board'
import { Graph } from '../parts/graph'
import { GameName } from '../parts/header'
import { Icon } from '../parts/icons'
import { StreamState } from '../parts/stream_state'
import {
  dropFirstBlood,
  enter,
  enterWith,
  firstBloods,
  leaveRoom,
  roomAccess,
} from '../room_stream'
import { game, loadGame } from '../session'
import { reducedMotion } from '../theme'

const ROWS = 20
const LINES = 10
const EVERY_MS = 1000
const TICKER = 8
const FIRST_BLOOD_MS = 7000
const GAME_EVERY_MS = 60_000

function TokenForm() {
  const t = words.value.room
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)

  async function send(event: Event): Promise<void> {
    event.preventDefault()
    if (busy || token.trim() === '') return
    setBusy(true)
    await enterWith(token.trim())
    setBusy(false)
  }

  return (
    <main class="grid min-h-dvh place-items-center p-4">
      <form class="panel grid w-full max-w-md gap-4 p-7" onSubmit={(event) => void send(event)}>
        <h1 class="screen-title">{t.title}</h1>
        <p class="text-soft">{t.tokenLead}</p>
        <label class="grid gap-1.5">
          <span class="label">{t.token}</span>
          <input
            class="field"
            type="password"
            autocomplete="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <div role="alert">
          {roomAccess.value === 'wrong' && !busy && <p class="note note-bad">{t.tokenWrong}</p>}
        </div>
        <button type="submit" class="button button-main" aria-disabled={busy}>
          {t.tokenButton}
        </button>
      </form>
    </main>
  )
}

function Countdown() {
  const { startsTs, endsTs } = game.value ?? { startsTs: null, endsTs: null }
  if (startsTs === null && endsTs === null) return null
  everySecond()
  const t = words.value.room
  const now = serverNow()
  if (startsTs !== null && now < startsTs)
    return <Count label={t.startsIn} leftMs={startsTs - now} />
  if (endsTs === null) return null
  if (now < endsTs) return <Count label={t.endsIn} leftMs={endsTs - now} />
  return <p class="room-count">{t.over}</p>
}

function Count(props: { label: string; leftMs: number }) {
  return (
    <p class="room-count" role="timer">
      <span class="text-soft">{props.label}</span>{' '}
      <strong>{formatSpan(props.leftMs / 1000)}</strong>
    </p>
  )
}

function Movement(props: { places: number }) {
  const t = words.value.room
  if (props.places === 0) return <span class="room-move" />
  const up = props.places > 0
  const count = Math.abs(props.places)
  return (
    <span class={`room-move ${up ? 'text-good' : 'text-bad'}`}>
      <Icon name={up ? 'up' : 'down'} />
      <span aria-hidden="true">{count}</span>
      <span class="sr-only">{up ? t.up(count) : t.down(count)}</span>
    </span>
  )
}

/* Rows glide to their new places, so that the room sees who overtook whom. */
function useGlide(players: readonly Player[]) {
  const list = useRef<HTMLOListElement>(null)
  const tops = useRef(new Map<string, number>())
  useLayoutEffect(() => {
    const now = new Map<string, number>()
    for (const row of list.current?.children ?? []) {
      if (!(row instanceof HTMLElement)) continue
      const key = row.dataset.key ?? ''
      const top = row.offsetTop
      const old = tops.current.get(key)
      now.set(key, top)
      if (reducedMotion.matches || old === top) continue
      if (old === undefined) row.animate([{ opacity: 0 }, { opacity: 1 }], 600)
      else {
        row.animate([{ translate: `0 ${old - top}px` }, { translate: '0 0' }], {
          duration: 700,
          easing: 'cubic-bezier(.2,.8,.3,1)',
        })
      }
    }
    tops.current = now
  }, [players])
  return list
}

function Top(props: { board: Board }) {
  const t = words.value.room
  const sightings = useRef<readonly Sighting[]>([])
  const players = useMemo(() => topPlayers(props.board, ROWS), [props.board])
  const list = useGlide(players)
  sightings.current = addSighting(sightings.current, {
    atMs: performance.now(),
    places: new Map(topPlayers(props.board, ROWS * 3).map((p, index) => [p.userId, index + 1])),
  })
  return (
    <section class="room-panel room-top" aria-label={t.top}>
      <ol ref={list} class="room-list">
        {players.map((player, index) => (
          <li key={player.userId} data-key={player.userId} class="room-row" data-top={index < 3}>
            <span class="room-rank">{index + 1}</span>
            <Movement places={movementOf(sightings.current, player.userId, index + 1)} />
            <bdi class="min-w-0 flex-1 truncate">{player.name}</bdi>
            <span class="room-score">{formatNumber.value(player.score)}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

function RoomGraph(props: { board: Board }) {
  const data = useMemo(() => openGraphData(true), [])
  useEffect(() => data.stop, [data])
  const shown = topPlayers(props.board, LINES)
    .filter((player) => player.solves > 0 || player.score !== 0)
    .map((player) => player.userId)
  useEffect(() => data.want(shown), [shown.join()])
  const known = data.series.value
  const all = shown.map((userId) => known.get(userId)).filter((series) => series !== undefined)
  return (
    <section class="room-panel flex min-h-0 flex-col" aria-label={words.value.board.graph}>
      <h2 class="room-title">{words.value.board.graph}</h2>
      <Graph all={all} big failed={data.failed.value} />
    </section>
  )
}

function Ticker(props: { board: Board }) {
  const t = words.value.room
  const solves = props.board.recent
    .filter((event) => event.kind === 'solve')
    .slice(-TICKER)
    .reverse()
  return (
    <section class="room-panel room-ticker" aria-label={t.ticker}>
      <h2 class="room-title">{t.ticker}</h2>
      {solves.length === 0 && <p class="text-soft">{t.tickerNone}</p>}
      <ol class="room-solves">
        {solves.map((event) => (
          <li key={event.id} class="room-solve">
            <span class="tabular-nums text-soft">{formatTime.value(event.ts)}</span>
            <span class="min-w-0 flex-1 truncate" dir="auto">
              {t.solvedBy(nameOf(props.board, event), event.challenge)}
            </span>
            {event.place === 1 && <span class="chip chip-strong">{t.firstBlood}</span>}
            <span class="tabular-nums">+{formatNumber.value(event.points)}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

function FirstBlood() {
  const t = words.value.room
  const [event] = firstBloods.value
  useEffect(() => {
    if (event === undefined) return
    const timer = setTimeout(dropFirstBlood, FIRST_BLOOD_MS)
    return () => clearTimeout(timer)
  }, [event])
  if (event === undefined) return null
  return (
    <div class="first-blood" role="status" key={event.id}>
      <span class="first-blood-word">{t.firstBlood}</span>
      <bdi class="first-blood-name">{event.name}</bdi>
      <span class="first-blood-what" dir="auto">
        {event.challenge} · +{formatNumber.value(event.points)}
      </span>
    </div>
  )
}

function Full() {
  const [full, setFull] = useState(document.fullscreenElement !== null)
  useEffect(() => {
    const look = (): void => setFull(document.fullscreenElement !== null)
    document.addEventListener('fullscreenchange', look)
    return () => document.removeEventListener('fullscreenchange', look)
  }, [])
  if (full) return null
  return (
    <button
      type="button"
      class="button button-small"
      onClick={() => void document.documentElement.requestFullscreen()}
    >
      {words.value.room.full}
    </button>
  )
}

/* A reload may have moved the beginning or the end. */
function useFreshGame(): void {
  useEffect(() => {
    const timer = setInterval(() => void loadGame(), GAME_EVERY_MS)
    return () => clearInterval(timer)
  }, [])
}

function OpenRoom() {
  useFreshBoard()
  useFreshGame()
  const t = words.value.room
  const board = useCalmBoard(EVERY_MS)
  let solves = 0
  for (const challenge of board.challenges.values()) solves += challenge.solves
  return (
    <main class="room">
      <header class="room-header">
        <h1 class="room-name">
          <GameName />
          <span class="sr-only"> {t.title}</span>
        </h1>
        <p class="text-soft">
          {t.players(board.ranking.length, formatNumber.value(board.ranking.length))}
        </p>
        <p class="text-soft">{t.solves(solves, formatNumber.value(solves))}</p>
        <span class="flex-1" />
        <Countdown />
        <StreamState />
        <Full />
      </header>
      <Top board={board} />
      <RoomGraph board={board} />
      <Ticker board={board} />
      <FirstBlood />
    </main>
  )
}

export function RoomView() {
  useEffect(() => {
    document.title = `${words.value.room.title} · ${game.value?.name ?? 'ctfg'}`
    void enter()
    return leaveRoom
  }, [])
  switch (roomAccess.value) {
    case 'asking':
      return <main class="p-6 text-soft">{words.value.common.loading}</main>
    case 'token':
    case 'wrong':
      return <TokenForm />
    case 'open':
      return <OpenRoom />
  }
}
