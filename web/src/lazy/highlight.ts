/* SPDX-License-Identifier: MIT */
/* Colours code.  Each language is a file of its own, loaded when a text uses it. */
import highlighter from 'highlight.js/lib/core'
import type { LanguageFn } from 'highlight.js'

type Module = Promise<{ default: LanguageFn }>

const LANGUAGES: Readonly<Record<string, () => Module>> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  css: () => import('highlight.js/lib/languages/css'),
  diff: () => import('highlight.js/lib/languages/diff'),
  go: () => import('highlight.js/lib/languages/go'),
  http: () => import('highlight.js/lib/languages/http'),
  ini: () => import('highlight.js/lib/languages/ini'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  php: () => import('highlight.js/lib/languages/php'),
  powershell: () => import('highlight.js/lib/languages/powershell'),
  python: () => import('highlight.js/lib/languages/python'),
  rust: () => import('highlight.js/lib/languages/rust'),
  sql: () => import('highlight.js/lib/languages/sql'),
  x86asm: () => import('highlight.js/lib/languages/x86asm'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
}

const ALIASES: Readonly<Record<string, string>> = {
  'c++': 'cpp',
  asm: 'x86asm',
  console: 'bash',
  html: 'xml',
  js: 'javascript',
  node: 'javascript',
  ps1: 'powershell',
  py: 'python',
  rs: 'rust',
  sh: 'bash',
  shell: 'bash',
  toml: 'ini',
  yml: 'yaml',
  zsh: 'bash',
}

/* null: a language we have no colours for, or one that did not arrive: the text stays plain. */
export async function colour(source: string, wanted: string): Promise<string | null> {
  const name = ALIASES[wanted] ?? wanted
  const load = Object.hasOwn(LANGUAGES, name) ? LANGUAGES[name] : undefined
  if (load === undefined) return null
  try {
    if (highlighter.getLanguage(name) === undefined) {
      highlighter.registerLanguage(name, (await load()).default)
    }
    return highlighter.highlight(source, { language: name, ignoreIllegals: true }).value
  } catch {
    return null
  }
}
