/* SPDX-License-Identifier: MIT */
/*
 * Ten lines that differ in colour, dash and marker, so that nobody needs the colour alone.  The
 * colours follow Okabe and Ito, moved until each stands out 3:1 from its ground.
 */

export type Marker =
  | 'circle'
  | 'square'
  | 'triangle'
  | 'diamond'
  | 'wedge'
  | 'cross'
  | 'plus'
  | 'ring'
  | 'box'
  | 'kite'

export interface LineStyle {
  readonly light: string
  readonly dark: string
  readonly dash: readonly number[]
  readonly marker: Marker
}

export const lineStyles: readonly LineStyle[] = [
  { light: '#0067a5', dark: '#5ab8f0', dash: [], marker: 'circle' },
  { light: '#c44f00', dark: '#ff9453', dash: [9, 4], marker: 'square' },
  { light: '#00785c', dark: '#35cfa2', dash: [3, 3], marker: 'triangle' },
  { light: '#a03f8f', dark: '#eaa2dc', dash: [10, 3, 3, 3], marker: 'diamond' },
  { light: '#857000', dark: '#efe04a', dash: [], marker: 'wedge' },
  { light: '#7b1f4b', dark: '#ff8fae', dash: [14, 5], marker: 'cross' },
  { light: '#0a7c8c', dark: '#74e2ec', dash: [5, 3], marker: 'plus' },
  { light: '#4b4fc4', dark: '#aeb0ff', dash: [2, 4], marker: 'ring' },
  { light: '#4a4f55', dark: '#cbd2d8', dash: [12, 3, 2, 3, 2, 3], marker: 'box' },
  { light: '#8a4b17', dark: '#e0ac72', dash: [6, 2], marker: 'kite' },
]

/* Everybody keeps the style they have for as long as they are drawn; newcomers take a free one. */
export function assignStyles(
  before: ReadonlyMap<number, number>,
  userIds: readonly number[],
): Map<number, number> {
  const styles = new Map<number, number>()
  const taken = new Set<number>()
  for (const userId of userIds) {
    const kept = before.get(userId)
    if (kept !== undefined && !taken.has(kept)) {
      styles.set(userId, kept)
      taken.add(kept)
    }
  }
  for (const [index, userId] of userIds.entries()) {
    if (styles.has(userId)) continue
    let free = lineStyles.findIndex((_, style) => !taken.has(style))
    if (free < 0) free = index % lineStyles.length
    styles.set(userId, free)
    taken.add(free)
  }
  return styles
}

/* The marker's outline, around 0,0, as a path's data: the canvas and the legend draw the same. */
export function markerPath(
  marker: Marker,
  r: number,
): { readonly d: string; readonly fill: boolean } {
  switch (marker) {
    case 'circle':
      return { d: `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`, fill: true }
    case 'ring':
      return { d: `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`, fill: false }
    case 'square':
      return { d: `M${-r} ${-r}H${r}V${r}H${-r}Z`, fill: true }
    case 'box':
      return { d: `M${-r} ${-r}H${r}V${r}H${-r}Z`, fill: false }
    case 'triangle':
      return { d: `M0 ${-r}L${r} ${r}H${-r}Z`, fill: true }
    case 'wedge':
      return { d: `M0 ${r}L${r} ${-r}H${-r}Z`, fill: true }
    case 'diamond':
      return { d: `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0Z`, fill: true }
    case 'kite':
      return { d: `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0Z`, fill: false }
    case 'cross':
      return { d: `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`, fill: false }
    case 'plus':
      return { d: `M0 ${-r}V${r}M${-r} 0H${r}`, fill: false }
  }
}
