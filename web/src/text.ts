/* SPDX-License-Identifier: MIT */
/*
 * text.ts - Markdown from the game's files -> safe nodes.  The only place where text becomes HTML,
 * and it never passes through innerHTML: the sanitiser hands back a tree, which is put in place.
 */
import type { Catalogue } from './i18n'

/* Loaded with the first Markdown text; the first screen needs none of it. */
const tools = (): Promise<typeof import('./lazy/markdown')> => import('./lazy/markdown')

const KEPT_MAX = 60
const kept = new Map<string, Promise<DocumentFragment>>()

export async function renderMarkdown(source: string, words: Catalogue): Promise<DocumentFragment> {
  const key = words.common.code + source
  let made = kept.get(key)
  if (made === undefined) {
    made = tools().then((loaded) => loaded.toSafeNodes(source, words.common))
    kept.set(key, made)
    made.catch(() => kept.delete(key)) /* the tools did not arrive: the next one asks again */
    const oldest = kept.keys().next().value
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest)
  }
  return (await made).cloneNode(true) as DocumentFragment
}
