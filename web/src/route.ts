/* SPDX-License-Identifier: MIT */
/* Addresses of the screens: the History API, no hashes; every screen can be linked, reloaded, gone back to. */
import { signal } from '@preact/signals'

export type Route =
  | { readonly screen: 'home' }
  | { readonly screen: 'challenges' }
  | { readonly screen: 'challenge'; readonly id: number }
  | { readonly screen: 'scoreboard' }
  | { readonly screen: 'player'; readonly id: number }
  | { readonly screen: 'name' }
  | { readonly screen: 'room' }
  | { readonly screen: 'nowhere' }

const WORDS: Readonly<Record<string, Route>> = {
  '/': { screen: 'home' },
  '/challenges': { screen: 'challenges' },
  '/scoreboard': { screen: 'scoreboard' },
  '/name': { screen: 'name' },
  '/board': { screen: 'room' },
}

export function parsePath(path: string): Route {
  const plain = path.length > 1 ? path.replace(/\/+$/, '') : path
  const word = WORDS[plain === '' ? '/' : plain]
  if (word !== undefined) return word
  const found = /^\/(challenge|player)\/(\d{1,10})$/.exec(plain)
  if (found === null) return { screen: 'nowhere' }
  const id = Number(found[2])
  return found[1] === 'challenge' ? { screen: 'challenge', id } : { screen: 'player', id }
}

export const paths = {
  challenges: '/challenges',
  challenge: (id: number) => `/challenge/${id}`,
  scoreboard: '/scoreboard',
  player: (id: number) => `/player/${id}`,
  name: '/name',
  room: '/board',
}

export const route = signal<Route>(parsePath(location.pathname))

/* How many of our own entries lie behind this one: whether "back" stays inside the page. */
interface Entry {
  readonly depth: number
  readonly scroll: number
}

function entry(): Entry {
  const state = history.state as Partial<Entry> | null
  return { depth: state?.depth ?? 0, scroll: state?.scroll ?? 0 }
}

export function navigate(path: string, how: 'push' | 'replace' = 'push'): void {
  const here = entry()
  if (how === 'push') {
    if (path === location.pathname) return
    history.replaceState({ depth: here.depth, scroll: scrollY }, '')
    history.pushState({ depth: here.depth + 1, scroll: 0 }, '', path)
  } else {
    history.replaceState(here, '', path)
  }
  route.value = parsePath(path)
  scrollTo(0, 0)
}

/* Back to where the player came from, or up to the list when they came by a link from outside. */
export function goBack(otherwise: string): void {
  if (entry().depth > 0) history.back()
  else navigate(otherwise, 'replace')
}

export function startRouting(): void {
  history.scrollRestoration = 'manual'
  addEventListener('popstate', () => {
    const { scroll } = entry()
    route.value = parsePath(location.pathname)
    requestAnimationFrame(() => scrollTo(0, scroll))
  })
  addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null
    if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.download !== '') return
    if (link.origin !== location.origin || link.hash !== '') return
    const { screen } = parsePath(link.pathname)
    if (screen === 'nowhere' || screen === 'room')
      return /* the room's screen is a page of its own */
    event.preventDefault()
    navigate(link.pathname)
  })
}
