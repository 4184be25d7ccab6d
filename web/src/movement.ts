/* SPDX-License-Identifier: MIT */
/* movement.ts - who went up and down lately: places now against places some minutes ago.  Pure, and bounded. */

export interface Sighting {
  readonly atMs: number
  readonly places: ReadonlyMap<number, number> /* user id -> place */
}

export const LOOK_BACK_MS = 5 * 60_000
export const SIGHTING_EVERY_MS = 30_000

/* Keeps one sighting each half minute, and none older than needed. */
export function addSighting(before: readonly Sighting[], next: Sighting): readonly Sighting[] {
  if (next.places.size === 0) return before /* nobody is known yet */
  const last = before.at(-1)
  if (last !== undefined && next.atMs - last.atMs < SIGHTING_EVERY_MS) return before
  return [...before.filter((old) => next.atMs - old.atMs <= LOOK_BACK_MS), next]
}

/* Places gained (positive) or lost since the oldest sighting that knows the player. */
export function movementOf(sightings: readonly Sighting[], userId: number, place: number): number {
  for (const { places } of sightings) {
    const old = places.get(userId)
    if (old !== undefined) return old - place
  }
  return 0
}
