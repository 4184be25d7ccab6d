/* SPDX-License-Identifier: MIT */
/* The first questions: whose game is this, and who am I.  Asked again when the server was away. */
import { firstLanguage, speak } from './i18n'
import { route } from './route'
import { game, loadGame, loadMe, phase } from './session'

/* Written by build.mjs. */
declare const ICON_ADDRESS: string

const ICON_AFTER_MS = 1500

/* The tab's picture is the organiser's logo, or ours; it waits until the first screen has what it needs. */
function showIcon(): void {
  setTimeout(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
    if (link !== null) link.href = game.value?.logo ?? ICON_ADDRESS
  }, ICON_AFTER_MS)
}

export async function start(): Promise<void> {
  phase.value = 'starting'
  const room = route.value.screen === 'room'
  const loaded = loadGame().then(async (known) => {
    if (known) await speak(firstLanguage(game.value?.language ?? null))
    return known
  })
  await Promise.all([loaded, room ? undefined : loadMe(loaded)])
  if (game.value === null) phase.value = 'away'
  showIcon()
}
