/* SPDX-License-Identifier: MIT */
/* Dark or light: the system's wish, or the player's own; and the organiser's accent in either. */
import { computed, effect, signal } from '@preact/signals'
import { accentFor } from './colour'

export type ThemeChoice = 'system' | 'light' | 'dark'
export const themeChoices: readonly ThemeChoice[] = ['system', 'light', 'dark']

const KEPT = 'ctfg-theme'
const DEFAULT_ACCENT = '#0d7a6f'
const darkQuery = matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(darkQuery.matches)
darkQuery.addEventListener('change', () => {
  systemDark.value = darkQuery.matches
})

function keptChoice(): ThemeChoice {
  try {
    const kept = localStorage.getItem(KEPT)
    return themeChoices.find((choice) => choice === kept) ?? 'system'
  } catch {
    return 'system'
  }
}

export const themeChoice = signal<ThemeChoice>(keptChoice())
export const accentColour = signal<string | null>(null)
export const isDark = computed(() =>
  themeChoice.value === 'system' ? systemDark.value : themeChoice.value === 'dark',
)

export function chooseTheme(choice: ThemeChoice): void {
  themeChoice.value = choice
  try {
    localStorage.setItem(KEPT, choice)
  } catch {
    /* Storage is off: the choice holds until the page is left. */
  }
}

/* The grounds of src/style.css that accent-coloured words stand on. */
const GROUNDS = {
  light: ['#f6f7f9', '#ffffff', '#eef1f4'],
  dark: ['#0e1217', '#161c23', '#1e2630'],
}

export function startTheme(): void {
  effect(() => {
    const root = document.documentElement
    root.dataset.theme = isDark.value ? 'dark' : 'light'
    const grounds = isDark.value ? GROUNDS.dark : GROUNDS.light
    const colours =
      accentFor(accentColour.value ?? DEFAULT_ACCENT, grounds, isDark.value) ??
      accentFor(DEFAULT_ACCENT, grounds, isDark.value)
    if (colours === null) return
    root.style.setProperty('--accent', colours.accent)
    root.style.setProperty('--on-accent', colours.onAccent)
    root.style.setProperty('--accent-ink', colours.accentInk)
  })
}

export const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)')
