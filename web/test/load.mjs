/* SPDX-License-Identifier: MIT */
/* Loads a pure module of the page as Node sees it: bundled in memory, nothing written. */
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'

export async function load(file) {
  const made = await esbuild.build({
    entryPoints: [fileURLToPath(new URL(`../src/${file}`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2021',
    logLevel: 'silent',
  })
  const code = Buffer.from(made.outputFiles[0].contents).toString('base64')
  return import(`data:text/javascript;base64,${code}`)
}

/* A small generator with a seed, so that a failing shuffle can be seen again. */
export function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export function shuffled(list, random) {
  const copy = list.slice()
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}
