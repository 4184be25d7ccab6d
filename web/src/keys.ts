/* SPDX-License-Identifier: MIT */
/* Enter says "do it" once, however long it is held: its repetition would send a guess again and again. */

export function startKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.repeat) event.preventDefault()
  })
}
