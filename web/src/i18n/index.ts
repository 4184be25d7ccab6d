/* SPDX-License-Identifier: MIT */
/* Which catalogue the page speaks.  English is always here; others are loaded when chosen. */
import { computed, signal } from '@preact/signals'
import { en, type Catalogue } from './en'

export type { Catalogue } from './en'

/* A new language is one file beside this one, and one line here. */
export const languages = {
  en: { name: 'English', load: () => Promise.resolve(en) },
  de: { name: 'Deutsch', load: () => import('./de').then((module) => module.de) },
} as const satisfies Record<string, { name: string; load: () => Promise<Catalogue> }>

export type Language = keyof typeof languages

export const words = signal<Catalogue>(en)
export const language = signal<Language>('en')

/* The words' language, in the viewer's own variety of it: dates and numbers follow that. */
export const localeOf = computed(
  () => navigator.languages.find((tag) => tag.startsWith(language.value)) ?? language.value,
)

const KEPT = 'ctfg-language'

function known(tag: string | null | undefined): Language | null {
  const short = tag?.toLowerCase().split('-')[0] ?? ''
  return Object.hasOwn(languages, short) ? (short as Language) : null
}

export async function speak(wanted: Language): Promise<void> {
  try {
    words.value = await languages[wanted].load()
    language.value = wanted
    document.documentElement.lang = wanted
  } catch {
    /* The catalogue did not arrive: the page goes on in the language it has. */
  }
}

export function chooseLanguage(wanted: Language): void {
  try {
    localStorage.setItem(KEPT, wanted)
  } catch {
    /* Storage is off: the choice holds until the page is left. */
  }
  void speak(wanted)
}

/* The player's own choice, then the organiser's, then the browser's. */
export function firstLanguage(organiser: string | null): Language {
  let kept: string | null = null
  try {
    kept = localStorage.getItem(KEPT)
  } catch {
    /* Storage is off. */
  }
  return (
    known(kept) ??
    known(organiser) ??
    navigator.languages.map(known).find((tag) => tag !== null) ??
    'en'
  )
}
