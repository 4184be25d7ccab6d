/* SPDX-License-Identifier: MIT */
/*
 * An answer of the server that stays true for as long as it is shown: the live events carry it on,
 * and it is asked for again where it failed, or differs from the board for longer than a moment.
 */
import { useEffect, useState } from 'preact/hooks'
import type { Answer } from '../api'
import type { Board } from '../board'
import { board } from '../live'

export interface Keeper<T> {
  readonly ask: (id: number) => Promise<Answer<T>>
  readonly carryOn: (known: T, board: Board) => T /* the same value: nothing is new */
  readonly isWhole: (known: T, board: Board) => boolean
}

export interface Kept<T> {
  readonly known: T | null
  readonly failure: Answer<T> | null
}

const LOOK_MS = 1000
const WRONG_MS = 4000
const LONGEST_MS = 240_000 /* where asking does not help it is done ever more seldom */

/* The server knows no such thing: asking again would not change that. */
export function isFinal(answer: Answer<unknown> | null): boolean {
  return answer?.kind === 'refused' && (answer.status === 404 || answer.status === 400)
}

export function useKept<T>(id: number, keeper: Keeper<T>): Kept<T> {
  const [kept, setKept] = useState<Kept<T>>({ known: null, failure: null })
  useEffect(() => {
    let current = true
    let asking = false
    let now: Kept<T> = { known: null, failure: null }
    let wrongSince: number | null = null
    let patience = WRONG_MS

    function show(next: Kept<T>): void {
      now = next
      setKept(next)
    }

    function carryOn(): void {
      if (now.known === null) return
      const known = keeper.carryOn(now.known, board.peek())
      if (known !== now.known) show({ known, failure: null })
    }

    async function ask(): Promise<void> {
      asking = true
      const answer = await keeper.ask(id)
      asking = false
      if (!current) return
      if (answer.kind === 'ok') {
        show({ known: answer.value, failure: null })
        carryOn()
      } else if (now.known === null) show({ known: null, failure: answer })
    }

    function look(): void {
      if (asking || isFinal(now.failure)) return
      if (now.known !== null && keeper.isWhole(now.known, board.peek())) {
        wrongSince = null
        patience = WRONG_MS
        return
      }
      wrongSince ??= performance.now()
      if (performance.now() - wrongSince < patience) return
      wrongSince = null
      patience = Math.min(LONGEST_MS, patience * (1.5 + Math.random()))
      void ask()
    }

    show(now)
    void ask()
    const stop = board.subscribe(carryOn)
    const timer = setInterval(look, LOOK_MS)
    return () => {
      current = false
      stop()
      clearInterval(timer)
    }
  }, [id])
  return kept
}
