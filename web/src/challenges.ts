/* SPDX-License-Identifier: MIT */
/* challenges.ts - which challenges to show, and in which groups.  Pure. */
import type { Challenge } from './api'

export interface Filter {
  readonly text: string
  readonly category: string
  readonly difficulty: string
  readonly unsolved: boolean
}

export const noFilter: Filter = { text: '', category: '', difficulty: '', unsolved: false }

export function isFiltering(filter: Filter): boolean {
  return (
    filter.text.trim() !== '' ||
    filter.category !== '' ||
    filter.difficulty !== '' ||
    filter.unsolved
  )
}

function matches(challenge: Challenge, filter: Filter): boolean {
  const wanted = filter.text.trim().toLowerCase()
  if (filter.unsolved && challenge.solved) return false
  if (filter.category !== '' && challenge.category !== filter.category) return false
  if (filter.difficulty !== '' && challenge.difficulty !== filter.difficulty) return false
  return (
    wanted === '' ||
    challenge.title.toLowerCase().includes(wanted) ||
    challenge.category.toLowerCase().includes(wanted) ||
    challenge.description.toLowerCase().includes(wanted)
  )
}

export function filterChallenges(all: readonly Challenge[], filter: Filter): Challenge[] {
  return all.filter((challenge) => matches(challenge, filter))
}

export interface Group {
  readonly category: string
  readonly challenges: readonly Challenge[]
}

/* Categories in the order of the file; inside, easy before hard as the organiser listed them. */
export function groupByCategory(all: readonly Challenge[]): Group[] {
  const groups = new Map<string, Challenge[]>()
  for (const challenge of all) {
    const group = groups.get(challenge.category)
    if (group === undefined) groups.set(challenge.category, [challenge])
    else group.push(challenge)
  }
  return [...groups].map(([category, challenges]) => ({ category, challenges }))
}

export function distinct(all: readonly Challenge[], field: 'category' | 'difficulty'): string[] {
  return [...new Set(all.map((challenge) => challenge[field]))].filter((value) => value !== '')
}

/* What is open now and was not before. */
export function newlyOpen(before: readonly Challenge[], after: readonly Challenge[]): Challenge[] {
  const open = new Set(before.filter((c) => !c.locked).map((c) => c.id))
  return after.filter((challenge) => !challenge.locked && !open.has(challenge.id))
}
