/* SPDX-License-Identifier: MIT */
/* Points over time: the canvas, its legend of buttons, zoom for mouse and keyboard, and the table that says the same. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { formatMoment, formatNumber, viewerTime } from '../clock'
import { language, localeOf, words } from '../i18n'
import type { Plot, PlotLine, PlotLook } from '../lazy/plot'
import { assignStyles, lineStyles, markerPath, type LineStyle } from '../line_styles'
import { alignSeries, totalOf, type Series } from '../series'
import { isDark } from '../theme'
import { Icon } from './icons'

const REDRAW_MS = 1000

function look(big: boolean): PlotLook {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string): string => style.getPropertyValue(name).trim()
  return {
    ink: token('--ink-soft'),
    grid: token('--line'),
    ground: token('--panel'),
    font: `${big ? 20 : 12}px ${token('--font')}`,
    big,
    locale: localeOf.peek(),
  }
}

function plotLine(series: Series, style: LineStyle, dark: boolean, big: boolean): PlotLine {
  return {
    name: series.name,
    colour: dark ? style.dark : style.light,
    dash: style.dash,
    marker: markerPath(style.marker, big ? 6 : 3.6),
    moments: new Set(series.points.map(([ts]) => ts / 1000)),
  }
}

export function LineSample(props: { style: LineStyle }) {
  const colour = isDark.value ? props.style.dark : props.style.light
  const marker = markerPath(props.style.marker, 3.6)
  return (
    <svg class="line-sample" viewBox="0 0 34 12" aria-hidden="true">
      <path
        d="M1 6H33"
        fill="none"
        stroke={colour}
        stroke-width="2.2"
        stroke-dasharray={props.style.dash.join(' ')}
      />
      <g transform="translate(17 6)">
        <path
          d={marker.d}
          fill={marker.fill ? colour : 'var(--panel)'}
          stroke={colour}
          stroke-width="1.8"
        />
      </g>
    </svg>
  )
}

function styleOf(styles: ReadonlyMap<number, number>, userId: number): LineStyle {
  const index = styles.get(userId) ?? 0
  return lineStyles[index] ?? { light: '#444444', dark: '#cccccc', dash: [], marker: 'circle' }
}

/* The axis tells times by the viewer's clock, as the table does. */
function byViewer(series: Series): Series {
  return { ...series, points: series.points.map(([ts, total]) => [viewerTime(ts), total]) }
}

/* The canvas is made anew when the lines, the theme or the language change, and only then. */
function usePlot(all: readonly Series[], styles: ReadonlyMap<number, number>, big: boolean) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const latest = useRef(all)
  latest.current = all
  const [failed, setFailed] = useState(false)
  const dark = isDark.value
  const tongue = language.value
  const empty = all.every((series) => series.points.length === 0)
  const who = all.map((series) => `${series.userId}:${series.name}`).join()
  const lines = useRef<PlotLine[]>([])

  function redraw(): void {
    const drawn = latest.current.map(byViewer)
    /* Rendered anew already, and the effect that makes the canvas for it is still to come. */
    if (drawn.length !== lines.current.length) return
    drawn.forEach((series, i) => {
      const moments = lines.current[i]?.moments as Set<number>
      for (const [ts] of series.points) moments.add(ts / 1000)
    })
    plot.current?.setData(alignSeries(drawn, Date.now()))
  }

  useEffect(() => {
    const box = host.current
    if (box === null || empty) return
    let gone = false
    const sizes = new ResizeObserver(() => plot.current?.resize(box.clientWidth, box.clientHeight))
    import('../lazy/plot').then(
      ({ createPlot }) => {
        if (gone) return
        const drawn = latest.current.map(byViewer)
        lines.current = drawn.map((series) =>
          plotLine(series, styleOf(styles, series.userId), dark, big),
        )
        plot.current = createPlot(box, lines.current, alignSeries(drawn, Date.now()), look(big))
        sizes.observe(box)
      },
      () => setFailed(true),
    )
    const timer = setInterval(redraw, REDRAW_MS)
    return () => {
      gone = true
      clearInterval(timer)
      sizes.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [who, dark, tongue, empty, big])

  return { host, plot, failed, empty }
}

function GraphTable(props: { all: readonly Series[] }) {
  const t = words.value.graph
  return (
    <details class="mt-3 text-sm">
      <summary class="cursor-pointer text-soft">{t.table}</summary>
      <div class="md-wide mt-2 max-h-72" tabIndex={0} role="group" aria-label={t.table}>
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">{words.value.board.player}</th>
              <th scope="col">{t.time}</th>
              <th scope="col">{t.points}</th>
            </tr>
          </thead>
          <tbody>
            {props.all.flatMap((series) =>
              series.points.slice(-30).map(([ts, total], i) => (
                <tr key={`${series.userId}-${i}`}>
                  <th scope="row">
                    <bdi>{series.name}</bdi>
                  </th>
                  <td>{formatMoment.value(ts)}</td>
                  <td>{formatNumber.value(total)}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </details>
  )
}

export function Graph(props: {
  all: readonly Series[]
  big?: boolean
  failed?: boolean
  removable?: readonly number[]
  onRemove?: (userId: number) => void
}) {
  const t = words.value.graph
  const big = props.big === true
  const kept = useRef<ReadonlyMap<number, number>>(new Map())
  const who = props.all.map((series) => series.userId).join()
  const styles = useMemo(() => {
    kept.current = assignStyles(
      kept.current,
      props.all.map((series) => series.userId),
    )
    return kept.current
  }, [who])
  const { host, plot, failed, empty } = usePlot(props.all, styles, big)
  const [held, setHeld] = useState<number | null>(null)

  function highlight(index: number | null): void {
    plot.current?.highlight(index)
  }

  return (
    <div class={big ? 'flex min-h-0 flex-1 flex-col' : ''}>
      <div
        ref={host}
        class={big ? 'plot min-h-0 flex-1' : 'plot h-72'}
        role="img"
        aria-label={t.summary(props.all.length)}
      >
        {empty && <p class="plot-empty">{props.failed === true || failed ? t.failed : t.empty}</p>}
      </div>
      <ul class={big ? 'legend legend-big' : 'legend'}>
        {props.all.map((series, index) => (
          <li key={series.userId} class="flex min-w-0 items-center">
            {big ? (
              <span class="legend-entry">
                <LineSample style={styleOf(styles, series.userId)} />
                <bdi>{series.name}</bdi>
              </span>
            ) : (
              <button
                type="button"
                class="legend-entry"
                aria-pressed={held === series.userId}
                onMouseEnter={() => highlight(index)}
                onMouseLeave={() =>
                  highlight(held === null ? null : props.all.findIndex((s) => s.userId === held))
                }
                onClick={() => {
                  const next = held === series.userId ? null : series.userId
                  setHeld(next)
                  highlight(next === null ? null : index)
                }}
              >
                <LineSample style={styleOf(styles, series.userId)} />
                <bdi>{series.name}</bdi>
                <span class="text-soft">{formatNumber.value(totalOf(series))}</span>
              </button>
            )}
            {props.removable?.includes(series.userId) === true && (
              <button
                type="button"
                class="icon-button"
                aria-label={t.remove(series.name)}
                onClick={() => props.onRemove?.(series.userId)}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {!big && !empty && (
        <>
          <div class="mt-2 flex flex-wrap gap-2">
            <button
              type="button"
              class="button button-small"
              onClick={() => plot.current?.zoom(0.5)}
            >
              {t.zoomIn}
            </button>
            <button type="button" class="button button-small" onClick={() => plot.current?.zoom(2)}>
              {t.zoomOut}
            </button>
            <button
              type="button"
              class="button button-small"
              onClick={() => plot.current?.zoom(null)}
            >
              {t.reset}
            </button>
          </div>
          <GraphTable all={props.all} />
        </>
      )}
    </div>
  )
}
