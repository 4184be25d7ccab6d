/* SPDX-License-Identifier: MIT */
/* The first questions: whose game is this, and who am I.  Asked again when the server was away. */
import { firstLanguage, speak } from './i18n'
import { route } from './route'
import { game, loadGame, loadMe, phase } from './session'

export async function start(): Promise<void> {
  phase.value = 'starting'
  const room = route.value.screen === 'room'
  const loaded = loadGame().then(async (known) => {
    if (known) await speak(firstLanguage(game.value?.language ?? null))
    return known
  })
  await Promise.all([loaded, room ? undefined : loadMe(loaded)])
  if (game.value === null) phase.value = 'away'
}
