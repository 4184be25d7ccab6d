/* SPDX-License-Identifier: MIT */
/* What a screen reader is told without being asked: one polite region, few words, never the board's traffic. */
import { signal } from '@preact/signals'

export const announcement = signal('')

export function announce(sentence: string): void {
  announcement.value = announcement.value === sentence ? `${sentence}\u00a0` : sentence
}
