/* SPDX-License-Identifier: MIT */
/*
 * A table of any length of which only the visible rows exist.  Rows have one height; a row that
 * takes another place glides there, unless less motion was asked for.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { reducedMotion } from '../theme'

const OVERSCAN = 8
const GLIDE_MS = 350
const GLIDE_ROWS_MAX = 12 /* farther moves just happen: nobody can follow them */

export interface ListRow {
  readonly key: number
  readonly mine: boolean
  readonly cells: ComponentChildren
}

interface Window {
  readonly top: number
  readonly height: number
}

/* Which rows to draw: from (included) to (excluded). */
export function visibleRows(view: Window, rowHeight: number, count: number): [number, number] {
  const from = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN)
  const to = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN)
  return [Math.min(from, to), to]
}

export function VirtualList(props: {
  label: string
  head: ComponentChildren
  count: number
  row: (index: number) => ListRow | null
  goTo: { readonly index: number } | null /* a new object scrolls there once */
  calm: string /* while it stays the same, moves are changes of the board, and glide */
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const places = useRef(new Map<number, number>())
  const drawnFor = useRef('')
  const [view, setView] = useState<Window>({ top: 0, height: 640 })
  const [rowHeight, setRowHeight] = useState(48)

  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null) return
    let frame = 0
    const look = (): void => {
      frame = 0
      setRowHeight(3 * parseFloat(getComputedStyle(document.documentElement).fontSize))
      setView({ top: box.scrollTop, height: box.clientHeight })
    }
    const later = (): void => {
      if (frame === 0) frame = requestAnimationFrame(look)
    }
    const sizes = new ResizeObserver(later)
    sizes.observe(box)
    box.addEventListener('scroll', later, { passive: true })
    return () => {
      cancelAnimationFrame(frame)
      sizes.disconnect()
      box.removeEventListener('scroll', later)
    }
  }, [])

  useEffect(() => {
    const box = scroller.current
    if (box === null || props.goTo === null) return
    const top = props.goTo.index * rowHeight - box.clientHeight / 2 + rowHeight / 2
    box.scrollTo({ top, behavior: 'auto' })
  }, [props.goTo])

  /* A row that takes another place is taken out for it, and would lose the focus. */
  const focused = scroller.current?.contains(document.activeElement) === true
  const held = focused ? document.activeElement : null

  const [from, to] = visibleRows(view, rowHeight, props.count)
  const rows: { index: number; row: ListRow }[] = []
  for (let index = from; index < to; index += 1) {
    const row = props.row(index)
    if (row !== null) rows.push({ index, row })
  }

  useLayoutEffect(() => {
    if (!(held instanceof HTMLElement) || held === document.activeElement) return
    const stays = held.isConnected ? held : scroller.current
    stays?.focus({ preventScroll: true })
  })

  useLayoutEffect(() => {
    const before = places.current
    const now = new Map<number, number>()
    const glide = drawnFor.current === props.calm && !reducedMotion.matches
    for (const { index, row } of rows) {
      now.set(row.key, index)
      const old = before.get(row.key)
      if (!glide || old === undefined || old === index) continue
      if (Math.abs(old - index) > GLIDE_ROWS_MAX) continue
      const element = scroller.current?.querySelector(`[data-key="${row.key}"]`)
      element?.animate([{ translate: `0 ${(old - index) * rowHeight}px` }, { translate: '0 0' }], {
        duration: GLIDE_MS,
        easing: 'cubic-bezier(.2,.8,.3,1)',
      })
    }
    places.current = now
    drawnFor.current = props.calm
  })

  return (
    <div role="table" class="list" aria-label={props.label} aria-rowcount={props.count + 1}>
      <div role="rowgroup" class="list-head">
        <div role="row" class="list-row" aria-rowindex={1}>
          {props.head}
        </div>
      </div>
      <div role="rowgroup" ref={scroller} class="list-body" tabIndex={0} aria-label={props.label}>
        <div
          role="presentation"
          class="relative"
          style={{ height: `${props.count * rowHeight}px` }}
        >
          {rows.map(({ index, row }) => (
            <div
              key={row.key}
              role="row"
              aria-rowindex={index + 2}
              data-key={row.key}
              data-mine={row.mine}
              class="list-row list-line"
              style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
            >
              {row.cells}
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}
