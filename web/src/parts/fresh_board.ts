/* SPDX-License-Identifier: MIT */
/* Names change without an event: who looks at the board gets those of now, and again now and then. */
import { useEffect } from 'preact/hooks'
import { board, boardReady, refreshBoard } from '../live'

const EVERY_MS = 60_000
const EACH_PLAYER_MS = 20 /* a large board is asked for more seldom: it costs more, and has more viewers */

export function useFreshBoard(): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let gone = false
    function later(): void {
      const wait = EVERY_MS + EACH_PLAYER_MS * board.peek().players.length
      timer = setTimeout(() => void again(), wait * (0.75 + Math.random() / 2))
    }
    async function again(): Promise<void> {
      if (!document.hidden) await refreshBoard()
      if (!gone) later()
    }
    if (boardReady.peek()) void refreshBoard()
    later()
    return () => {
      gone = true
      clearTimeout(timer)
    }
  }, [])
}
