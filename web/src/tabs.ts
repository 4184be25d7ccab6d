/* SPDX-License-Identifier: MIT */
/* tabs.ts - all tabs of a browser share one session: what one does to it the others hear of. */

const channel =
  typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('ctfg-session')

export function tellTabs(): void {
  channel?.postMessage(null)
}

export function hearTabs(changed: () => void): () => void {
  channel?.addEventListener('message', changed)
  return () => channel?.removeEventListener('message', changed)
}
