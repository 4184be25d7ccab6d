/* SPDX-License-Identifier: MIT */
/* The organiser's accent, bent until it can be read: WCAG contrast against what it stands on. */

export type Rgb = readonly [number, number, number]

export function parseColour(hex: string): Rgb | null {
  const found = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex)
  if (found === null) return null
  return [parseInt(found[1] ?? '', 16), parseInt(found[2] ?? '', 16), parseInt(found[3] ?? '', 16)]
}

function channel(value: number): number {
  const part = value / 255
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
}

export function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
}

export function contrast(a: Rgb, b: Rgb): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((i) =>
    Math.round((from[i] ?? 0) * (1 - share) + (to[i] ?? 0) * share),
  ) as unknown as Rgb
}

function write(rgb: Rgb): string {
  return `#${rgb.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

const WHITE: Rgb = [255, 255, 255]
const BLACK: Rgb = [0, 0, 0]
const INK: Rgb = [12, 18, 24]

/* Moves a colour towards white or black, in small steps, until it stands out from every ground. */
function readable(colour: Rgb, grounds: readonly Rgb[], towards: Rgb, least: number): Rgb {
  for (let step = 0; step <= 40; step += 1) {
    const bent = mix(colour, towards, step / 40)
    if (grounds.every((ground) => contrast(bent, ground) >= least)) return bent
  }
  return towards
}

export interface Accent {
  readonly accent: string /* a filled button */
  readonly onAccent: string /* text on it */
  readonly accentInk: string /* accent-coloured text on the page and its panels */
}

/* grounds: everything accent-coloured text may stand on in this theme. */
export function accentFor(hex: string, grounds: readonly string[], dark: boolean): Accent | null {
  const colour = parseColour(hex)
  if (colour === null) return null
  const behind = grounds.map(parseColour).filter((ground) => ground !== null)
  const fill = readable(colour, behind, dark ? WHITE : BLACK, 3)
  const onAccent = contrast(fill, WHITE) >= 4.5 ? WHITE : INK
  const sure = contrast(fill, onAccent) >= 4.5 ? fill : readable(fill, [onAccent], BLACK, 4.5)
  return {
    accent: write(sure),
    onAccent: write(onAccent),
    accentInk: write(readable(colour, behind, dark ? WHITE : BLACK, dark ? 6.5 : 4.6)),
  }
}
