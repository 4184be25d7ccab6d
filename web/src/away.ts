/* SPDX-License-Identifier: MIT */
/*
 * away.ts - who comes back to a page that was out of sight sees the game as it is by now: a reload of
 * its files is no event, so nothing else would tell this page of new texts, titles or times.
 */
import { loadChallenges, loadGame, phase } from './session'

const AWAY_MS = 10_000 /* less is a glance at another window */

let hiddenAt = Infinity

function onVisibility(): void {
  if (document.visibilityState === 'hidden') {
    hiddenAt = performance.now()
    return
  }
  const wasAway = performance.now() - hiddenAt >= AWAY_MS
  hiddenAt = Infinity
  if (!wasAway || (phase.value !== 'player' && phase.value !== 'guest')) return
  void loadGame()
  void loadChallenges()
}

export function startAway(): void {
  document.addEventListener('visibilitychange', onVisibility)
}
