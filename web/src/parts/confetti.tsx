/* SPDX-License-Identifier: MIT */
/* A short celebration on a canvas that nothing waits for.  Whoever asked for less motion sees none. */
import { useEffect, useRef } from 'preact/hooks'
import { lineStyles } from '../line_styles'
import { isDark, reducedMotion } from '../theme'

const LASTS_MS = 1800
const PIECES = 90

interface Piece {
  readonly x: number
  readonly vx: number
  readonly vy: number
  readonly spin: number
  readonly colour: string
}

function makePieces(width: number): Piece[] {
  return Array.from({ length: PIECES }, (_, i) => ({
    x: width / 2 + (Math.random() - 0.5) * Math.min(width * 0.5, 360),
    vx: (Math.random() - 0.5) * 0.55,
    vy: -0.45 - Math.random() * 0.6,
    spin: Math.random() * 0.02 - 0.01,
    colour: lineStyles[i % lineStyles.length]?.[isDark.peek() ? 'dark' : 'light'] ?? '#888888',
  }))
}

export function Confetti() {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const sheet = canvas.current
    const ctx = sheet?.getContext('2d')
    if (sheet === null || ctx === null || ctx === undefined || reducedMotion.matches) return
    sheet.width = innerWidth
    sheet.height = innerHeight
    const pieces = makePieces(innerWidth)
    const start = performance.now()
    let frame = requestAnimationFrame(function draw(now) {
      const age = now - start
      ctx.clearRect(0, 0, sheet.width, sheet.height)
      if (age > LASTS_MS) return
      ctx.globalAlpha = Math.min(1, (LASTS_MS - age) / 500)
      for (const piece of pieces) {
        ctx.save()
        ctx.translate(
          piece.x + piece.vx * age,
          innerHeight * 0.55 + piece.vy * age + 0.0006 * age * age,
        )
        ctx.rotate(piece.spin * age)
        ctx.fillStyle = piece.colour
        ctx.fillRect(-5, -3, 10, 6)
        ctx.restore()
      }
      frame = requestAnimationFrame(draw)
    })
    return () => cancelAnimationFrame(frame)
  }, [])
  return <canvas ref={canvas} class="confetti" aria-hidden="true" />
}
