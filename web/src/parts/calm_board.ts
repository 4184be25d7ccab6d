/* SPDX-License-Identifier: MIT */
/* The board, but changing at most this often: eyes need longer than the stream does. */
import { useEffect, useState } from 'preact/hooks'
import type { Board } from '../board'
import { board } from '../live'

export function useCalmBoard(everyMs: number): Board {
  const [shown, setShown] = useState(board.peek())
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let last = 0
    const show = (): void => {
      timer = undefined
      last = performance.now()
      setShown(board.peek())
    }
    const stop = board.subscribe(() => {
      timer ??= setTimeout(show, Math.max(0, everyMs - (performance.now() - last)))
    })
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [everyMs])
  return shown
}
