/* SPDX-License-Identifier: MIT */
/* The canvas of the graph.  Imports uPlot and nothing of ours but types, so it is a file of its own. */
import uPlot from 'uplot'

export interface PlotLine {
  readonly name: string
  readonly colour: string
  readonly dash: readonly number[]
  readonly marker: { readonly d: string; readonly fill: boolean }
  readonly moments: ReadonlySet<number> /* seconds at which this line changes: markers stand there */
}

export interface PlotData {
  readonly seconds: number[]
  readonly totals: number[][]
}

export interface PlotLook {
  readonly ink: string
  readonly grid: string
  readonly ground: string
  readonly font: string
  readonly big: boolean
  readonly locale: string
}

export interface Plot {
  readonly setData: (data: PlotData) => void
  readonly highlight: (line: number | null) => void
  readonly zoom: (factor: number | null) => void
  readonly resize: (width: number, height: number) => void
  readonly destroy: () => void
}

type Range = readonly [number, number]

function drawMarkers(plot: uPlot, index: number, line: PlotLine, look: PlotLook): void {
  const { ctx } = plot
  const xs = plot.data[0]
  const ys = plot.data[index]
  const scale = devicePixelRatio
  const path = new Path2D(line.marker.d)
  const { left, top, width, height } = plot.bbox
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, top - 8 * scale, width + 8 * scale, height + 16 * scale)
  ctx.clip()
  ctx.globalAlpha = plot.series[index]?.alpha ?? 1
  ctx.strokeStyle = line.colour
  ctx.lineWidth = 1.8
  xs.forEach((x, at) => {
    const y = ys?.[at]
    if (!line.moments.has(x) || y === undefined || y === null) return
    ctx.save()
    ctx.translate(plot.valToPos(x, 'x', true), plot.valToPos(y, 'y', true))
    ctx.scale(scale, scale)
    ctx.fillStyle = line.marker.fill ? line.colour : look.ground
    ctx.fill(path)
    ctx.stroke(path)
    ctx.restore()
  })
  ctx.restore()
}

/* As wide as its widest number, so that a score of six digits can be read. */
function numberWidth(look: PlotLook, least: number): uPlot.Axis.Size {
  return ({ ctx, axes }, values: readonly string[] | null, index) => {
    const { gap = 0, ticks } = axes[index] ?? {}
    ctx.save()
    ctx.font = look.font
    const widths = (values ?? []).map((value) => ctx.measureText(value).width)
    ctx.restore()
    return Math.max(least, Math.ceil(Math.max(0, ...widths)) + gap + (ticks?.size ?? 0))
  }
}

const DAY_S = 86_400

/* Hours and minutes, seconds when zoomed in far, the day as well when the game lasts longer than one. */
function timeLabels(look: PlotLook): uPlot.Axis.Values {
  const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(look.locale, { hour: '2-digit', minute: '2-digit', ...options })
  const minutes = format({})
  const seconds = format({ second: '2-digit' })
  const days = format({ day: 'numeric', month: 'short' })
  return (plot, splits, _axis, _space, step) => {
    const { min, max } = plot.scales.x ?? {}
    const whole = (max ?? 0) - (min ?? 0)
    const labels = whole > DAY_S ? days : step < 60 ? seconds : minutes
    return splits.map((at) => labels.format(at * 1000))
  }
}

/* The value beside the cursor: one small label, moved and filled, never chattering to a reader. */
function hoverLabel(lines: readonly PlotLine[], look: PlotLook): uPlot.Plugin {
  const label = document.createElement('div')
  label.className = 'plot-label'
  label.hidden = true
  let near = 0
  const time = new Intl.DateTimeFormat(look.locale, { hour: '2-digit', minute: '2-digit' })
  return {
    hooks: {
      init: (plot) => plot.over.append(label),
      setSeries: (_, index, change) => {
        const { focus } = change as uPlot.Series & { focus?: boolean }
        if (focus === true) near = index ?? 0
      },
      setCursor: (plot) => {
        const at = plot.cursor.idx
        const line = lines[near - 1]
        if (at === null || at === undefined || line === undefined) {
          label.hidden = true
          return
        }
        const x = plot.data[0][at] ?? 0
        const y = plot.data[near]?.[at] ?? 0
        label.textContent = `${line.name} · ${y} · ${time.format(x * 1000)}`
        label.hidden = false
        const left = Math.min(plot.cursor.left ?? 0, plot.over.clientWidth - label.offsetWidth - 4)
        label.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, (plot.cursor.top ?? 0) - 36)}px)`
      },
    },
  }
}

export function createPlot(
  host: HTMLElement,
  lines: readonly PlotLine[],
  data: PlotData,
  look: PlotLook,
): Plot {
  let zoomed: Range | null = null
  const stepped = uPlot.paths.stepped?.({ align: 1 })
  const axis: uPlot.Axis = {
    stroke: look.ink,
    font: look.font,
    grid: { stroke: look.grid, width: 1 },
    ticks: { stroke: look.grid, width: 1, size: 6 },
  }
  const options: uPlot.Options = {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    focus: { alpha: 0.25 },
    cursor: {
      focus: { prox: 24 },
      points: { size: 9 },
      drag: { x: true, y: false, setScale: true },
    },
    scales: {
      x: {
        time: true,
        range: (_, least, most) => (least === most ? [least - 60, most + 60] : [least, most]),
      },
      y: { range: (_, least, most) => [Math.min(0, least), Math.max(10, most * 1.06)] },
    },
    axes: [
      { ...axis, space: look.big ? 120 : 70, values: timeLabels(look) },
      { ...axis, size: numberWidth(look, look.big ? 76 : 52) },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => ({
        label: line.name,
        stroke: line.colour,
        width: look.big ? 3.5 : 2.2,
        dash: line.dash.map((part) => part * (look.big ? 1.6 : 1)),
        points: { show: false },
        ...(stepped === undefined ? {} : { paths: stepped }),
      })),
    ],
    hooks: {
      drawSeries: [
        (plot, index) => {
          const line = lines[index - 1]
          if (line !== undefined) drawMarkers(plot, index, line, look)
        },
      ],
      setScale: [
        (plot, key) => {
          const { min, max } = plot.scales.x ?? {}
          if (key !== 'x' || min === undefined || max === undefined) return
          const xs = plot.data[0]
          const whole = min <= (xs[0] ?? min) && max >= (xs.at(-1) ?? max)
          zoomed = whole ? null : [min, max]
        },
      ],
    },
    plugins: [hoverLabel(lines, look)],
  }

  const plot = new uPlot(options, [data.seconds, ...data.totals], host)
  return {
    /* New data must not throw the reader out of the part they have zoomed into. */
    setData: ({ seconds, totals }) => {
      const keep = zoomed
      plot.setData([seconds, ...totals], keep === null)
      if (keep !== null) plot.setScale('x', { min: keep[0], max: keep[1] })
    },
    highlight: (line) => {
      plot.setSeries(line === null ? null : line + 1, { focus: true })
    },
    zoom: (factor) => {
      const xs = plot.data[0]
      const first = xs[0] ?? 0
      const last = xs.at(-1) ?? first
      const [min, max] = zoomed ?? [first, last]
      const half = factor === null ? (last - first) / 2 : ((max - min) / 2) * factor
      const middle = factor === null ? (first + last) / 2 : (min + max) / 2
      plot.setScale('x', {
        min: Math.max(first, middle - half),
        max: Math.min(last, middle + half),
      })
    },
    resize: (width, height) => plot.setSize({ width, height }),
    destroy: () => plot.destroy(),
  }
}
