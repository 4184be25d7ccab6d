/* SPDX-License-Identifier: MIT */
/* Why something did not work, in place, in the player's language. */
import type { Answer } from '../api'
import type { Catalogue } from '../i18n'

/* What every call may be refused with; a screen says the rest itself. */
export function commonFailure(answer: Answer<unknown>, t: Catalogue): string | null {
  if (answer.kind === 'ok') return null
  if (answer.kind === 'away') return t.common.away
  if (answer.status === 429)
    return t.common.limited(Math.max(1, Math.ceil(answer.retryAfterMs / 1000)))
  if (answer.status >= 500) return t.common.unavailable
  return t.common.odd(answer.error)
}

export function Failure(props: { text: string | null; id?: string }) {
  return (
    <div role="alert" id={props.id} class="empty:hidden">
      {props.text !== null && <p class="note note-bad">{props.text}</p>}
    </div>
  )
}
