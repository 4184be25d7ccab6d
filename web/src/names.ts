/* SPDX-License-Identifier: MIT */
/* Which display names the server will take: the same rules, checked while typing. */
import type { NameRules } from './api'
import { en } from './i18n/en'
import type { Catalogue } from './i18n'

export type NameFault = 'empty' | 'short' | 'long' | 'chars' | 'restricted' | 'repetition'

/* As the server stores it: trimmed, inner whitespace one space. */
export function tidyName(typed: string): string {
  return typed.trim().replace(/\s+/g, ' ')
}

/* A blocked word of five letters or more may stand nowhere; a shorter one not as a word of its own. */
function holdsBlocked(name: string, blocked: readonly string[]): boolean {
  const lower = name.toLowerCase()
  const single = new Set(lower.split(/[^a-z0-9]+/))
  return blocked.some((word) =>
    word.length >= 5 ? lower.includes(word.toLowerCase()) : single.has(word.toLowerCase()),
  )
}

export function nameFault(typed: string, rules: NameRules): NameFault | null {
  const name = tidyName(typed)
  if (name === '') return 'empty'
  if (name.length < rules.min) return 'short'
  if (name.length > rules.max) return 'long'
  if (!/^[a-zA-Z0-9 \-_.,'!?@#()]+$/.test(name)) return 'chars'
  if (holdsBlocked(name, rules.blocked)) return 'restricted'
  if (/([a-z0-9])\1{4}/i.test(name)) return 'repetition'
  return null
}

export function faultSentence(fault: NameFault, rules: NameRules, words: Catalogue): string {
  switch (fault) {
    case 'short':
      return words.name.short(rules.min)
    case 'long':
      return words.name.long(rules.max)
    case 'empty':
    case 'chars':
    case 'restricted':
    case 'repetition':
      return words.name[fault]
  }
}

const FAULTS: readonly NameFault[] = ['empty', 'short', 'long', 'chars', 'restricted', 'repetition']

/* The server's sentence in the player's language; one we do not know is shown as it is. */
export function translateRefusal(sentence: string, rules: NameRules, words: Catalogue): string {
  const fault = FAULTS.find((each) => faultSentence(each, rules, en) === sentence)
  return fault === undefined ? sentence : faultSentence(fault, rules, words)
}
