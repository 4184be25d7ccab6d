/* SPDX-License-Identifier: MIT */
/* Everybody, best first, live and searchable; and the points over time of whoever is wanted. */
import type { RefObject } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { nameOf, placeOf, playerById, topPlayers, type Board, type Player } from '../board'
import { formatNumber, formatWhen } from '../clock'
import { openGraphData } from '../graph_data'
import { words } from '../i18n'
import { boardReady } from '../live'
import { useCalmBoard } from '../parts/calm_board'
import { useFreshBoard } from '../parts/fresh_board'
import { Graph } from '../parts/graph'
import { Icon } from '../parts/icons'
import { Screen } from '../parts/screen'
import { VirtualList, type ListRow } from '../parts/virtual_list'
import { paths } from '../route'
import { me } from '../session'

const LIST_EVERY_MS = 500
const GRAPH_EVERY_MS = 2000
const GRAPH_LINES = 10
const SUGGESTED = 8

/* Places (from 0) of players whose name holds the words; null: everyone. */
function search(board: Board, wanted: string): number[] | null {
  const needle = wanted.trim().toLowerCase()
  if (needle === '') return null
  const found: number[] = []
  board.ranking.forEach((slot, place) => {
    if (board.players[slot]?.name.toLowerCase().includes(needle) === true) found.push(place)
  })
  return found
}

function cells(player: Player, place: number, mine: boolean) {
  return (
    <>
      <span role="cell" class="cell-rank" data-top={place <= 3}>
        {place}
      </span>
      <span role="rowheader" class="min-w-0 truncate">
        <a href={paths.player(player.userId)}>
          <bdi>{player.name}</bdi>
        </a>
        {mine && <span class="chip chip-strong ml-2">{words.value.common.you}</span>}
      </span>
      <span role="cell" class="cell-number font-semibold">
        {formatNumber.value(player.score)}
      </span>
      <span role="cell" class="cell-number cell-solves">
        {player.solves}
      </span>
      <span role="cell" class="cell-number cell-last text-soft">
        {player.raisedTs === Infinity ? words.value.board.never : formatWhen.value(player.raisedTs)}
      </span>
    </>
  )
}

function List() {
  const t = words.value.board
  const board = useCalmBoard(LIST_EVERY_MS)
  const [wanted, setWanted] = useState('')
  const [goTo, setGoTo] = useState<{ readonly index: number } | null>(null)
  const found = useMemo(() => search(board, wanted), [board, wanted])
  const mine = me.value?.userId ?? -1
  const count = found === null ? board.ranking.length : found.length
  const place = placeOf(board, mine)

  function row(index: number): ListRow | null {
    const at = found === null ? index : found[index]
    const slot = at === undefined ? undefined : board.ranking[at]
    const player = slot === undefined ? undefined : board.players[slot]
    if (at === undefined || player === undefined) return null
    const own = player.userId === mine
    return { key: player.userId, mine: own, cells: cells(player, at + 1, own) }
  }

  function findMe(): void {
    if (place === null) return
    setWanted('')
    setGoTo({ index: place - 1 })
  }

  return (
    <section class="panel flex min-h-0 flex-col p-4 sm:p-5" aria-labelledby="list-title">
      <div class="mb-3 flex flex-wrap items-end gap-3">
        <h2 id="list-title" class="sr-only">
          {t.list}
        </h2>
        <label class="grid min-w-40 flex-1 gap-1 text-sm">
          <span class="text-soft">{t.search}</span>
          <input
            type="search"
            class="field"
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        </label>
        {mine >= 0 && (
          <button type="button" class="button" disabled={place === null} onClick={findMe}>
            {t.findMe}
          </button>
        )}
      </div>
      <p role="status" class="mb-2 text-sm text-soft">
        {found === null
          ? t.players(board.ranking.length, formatNumber.value(board.ranking.length))
          : found.length === 0
            ? t.none
            : t.found(formatNumber.value(found.length))}
      </p>
      {board.ranking.length === 0 && boardReady.value ? (
        <p class="py-8 text-center text-soft">{t.empty}</p>
      ) : (
        <VirtualList
          label={t.title}
          count={count}
          row={row}
          goTo={goTo}
          calm={wanted}
          head={
            <>
              <span role="columnheader" class="text-right">
                {t.rank}
              </span>
              <span role="columnheader">{t.player}</span>
              <span role="columnheader" class="text-right">
                {t.score}
              </span>
              <span role="columnheader" class="cell-solves text-right">
                {t.solved}
              </span>
              <span role="columnheader" class="cell-last text-right">
                {t.last}
              </span>
            </>
          }
        />
      )}
    </section>
  )
}

function AddPlayer(props: {
  board: Board
  shown: readonly number[]
  field: RefObject<HTMLInputElement>
  onAdd: (userId: number) => void
}) {
  const t = words.value.graph
  const [typed, setTyped] = useState('')
  const needle = typed.trim().toLowerCase()
  const matches =
    needle === ''
      ? []
      : props.board.ranking
          .map((slot) => props.board.players[slot])
          .filter(
            (player): player is Player =>
              player !== undefined &&
              !props.shown.includes(player.userId) &&
              player.name.toLowerCase().includes(needle),
          )
          .slice(0, SUGGESTED)

  function add(userId: number): void {
    setTyped('')
    props.field.current?.focus() /* the button of the suggestion goes */
    props.onAdd(userId)
  }

  return (
    <form
      class="mt-4 grid gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        const first = matches[0]
        if (first !== undefined) add(first.userId)
      }}
    >
      <label class="grid gap-1 text-sm">
        <span class="text-soft">{t.add}</span>
        <span class="relative">
          <input
            ref={props.field}
            type="search"
            class="field w-full"
            autocomplete="off"
            placeholder={t.addHint}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </span>
      </label>
      {matches.length > 0 && (
        <ul class="flex flex-wrap gap-2">
          {matches.map((player) => (
            <li key={player.userId}>
              <button type="button" class="button button-small" onClick={() => add(player.userId)}>
                <Icon name="up" />
                <bdi>{player.name}</bdi>
              </button>
            </li>
          ))}
        </ul>
      )}
    </form>
  )
}

function TopGraph() {
  const t = words.value.board
  const board = useCalmBoard(GRAPH_EVERY_MS)
  const [added, setAdded] = useState<readonly number[]>([])
  const field = useRef<HTMLInputElement>(null)
  const data = useMemo(() => openGraphData(true), [])
  useEffect(() => data.stop, [data])
  const top = topPlayers(board, GRAPH_LINES)
    .filter((player) => player.solves > 0 || player.score !== 0)
    .map((player) => player.userId)
  const shown = [...top, ...added.filter((userId) => !top.includes(userId))]
  useEffect(() => data.want(shown), [shown.join()])
  const known = data.series.value
  const all = shown
    .map((userId) => known.get(userId))
    .filter((series) => series !== undefined)
    .map((series) => ({ ...series, name: nameOf(board, series) }))
  return (
    <section class="panel p-4 sm:p-5" aria-labelledby="graph-title">
      <h2 id="graph-title" class="section-title mb-3">
        {t.graph}
      </h2>
      <Graph
        all={all}
        failed={data.failed.value}
        removable={added}
        onRemove={(userId) => {
          setAdded(added.filter((other) => other !== userId))
          field.current?.focus()
        }}
      />
      <AddPlayer
        board={board}
        shown={shown}
        field={field}
        onAdd={(userId) => {
          if (playerById(board, userId) !== null) setAdded([...added, userId])
        }}
      />
    </section>
  )
}

export function ScoreboardView() {
  useFreshBoard()
  return (
    <Screen title={words.value.board.title}>
      <div class="board-columns">
        <List />
        <TopGraph />
      </div>
    </Screen>
  )
}
