/* SPDX-License-Identifier: MIT */
/* Markdown -> sanitised nodes -> code coloured.  Imports libraries only, so it is a file of its own. */
import createDOMPurify from 'dompurify'
import { Marked } from 'marked'

/* What a screen reader calls the boxes that scroll. */
export interface Labels {
  readonly table: string
  readonly code: string
}

const marked = new Marked({ gfm: true, breaks: false, async: false })

const purify = createDOMPurify(window)
const FORBIDDEN = [
  'style',
  'form',
  'input',
  'button',
  'select',
  'textarea',
  'dialog',
  'svg',
  'math',
  'picture',
]

/* null: what no address can be made of. */
function resolve(address: string): URL | null {
  try {
    return new URL(address, `${location.origin}/`)
  } catch {
    return null
  }
}

function isOurs(address: string): boolean {
  const url = resolve(address)
  return url !== null && (url.origin === location.origin || url.protocol === 'data:')
}

/* What is told without a leading slash lies in the game's folder, whatever screen shows the text. */
function fromRoot(node: Element, name: string): void {
  const address = node.getAttribute(name)
  if (address === null || address.startsWith('#')) return
  const url = resolve(address)
  if (url?.origin === location.origin) node.setAttribute(name, url.pathname + url.search + url.hash)
}

function linkElsewhere(link: HTMLAnchorElement): void {
  link.target = '_blank'
  link.rel = 'noopener noreferrer'
}

/* A picture of another host becomes a link to it: whoever wants to see it says so. */
function linkInstead(image: HTMLImageElement): void {
  const link = document.createElement('a')
  link.href = image.src
  link.textContent = image.alt === '' ? image.src : image.alt
  linkElsewhere(link)
  image.replaceWith(link)
}

/* Nothing is loaded from another host; links elsewhere open apart and tell nobody where they came from. */
purify.addHook('afterSanitizeAttributes', (node) => {
  for (const name of ['src', 'href', 'poster', 'background']) fromRoot(node, name)
  if (node instanceof HTMLImageElement) {
    if (!isOurs(node.getAttribute('src') ?? '')) {
      linkInstead(node)
      return
    }
    node.loading = 'lazy'
    node.decoding = 'async'
    if (!node.hasAttribute('alt')) node.alt = ''
  } else if (node instanceof HTMLAnchorElement) {
    if (node.hasAttribute('href') && node.origin !== location.origin) linkElsewhere(node)
  } else {
    for (const name of ['src', 'poster', 'background']) {
      if (!isOurs(node.getAttribute(name) ?? '')) node.removeAttribute(name)
    }
  }
})

/* A screen has its own h1: the text's headings go below it, and never skip a level. */
function lowerHeadings(root: DocumentFragment): void {
  let above = 1
  for (const heading of root.querySelectorAll('h1,h2,h3,h4,h5,h6')) {
    const lowered = document.createElement('p')
    lowered.className = `md-heading md-${heading.localName}`
    lowered.setAttribute('role', 'heading')
    above = Math.min(above + 1, Number(heading.localName[1]) + 1)
    lowered.setAttribute('aria-level', String(above))
    lowered.append(...heading.childNodes)
    heading.replaceWith(lowered)
  }
}

/* Wide tables and code scroll in a box of their own, which the keyboard can reach. */
function boxWide(root: DocumentFragment, labels: Labels): void {
  for (const wide of root.querySelectorAll('table, pre')) {
    const box = document.createElement('div')
    box.className = 'md-wide'
    box.tabIndex = 0
    box.setAttribute('role', 'group')
    box.setAttribute('aria-label', wide.localName === 'table' ? labels.table : labels.code)
    wide.replaceWith(box)
    box.append(wide)
  }
}

async function colourCode(root: DocumentFragment): Promise<void> {
  const blocks = [...root.querySelectorAll('pre > code[class*="language-"]')]
  if (blocks.length === 0) return
  const { colour } = await import('./highlight')
  await Promise.all(
    blocks.map(async (block) => {
      const name = /language-([\w+#-]+)/.exec(block.className)?.[1]?.toLowerCase() ?? ''
      const html = await colour(block.textContent, name)
      if (html === null) return
      block.replaceChildren(purify.sanitize(html, { RETURN_DOM_FRAGMENT: true }))
      block.classList.add('hljs')
    }),
  )
}

export async function toSafeNodes(source: string, labels: Labels): Promise<DocumentFragment> {
  const html = marked.parse(source, { async: false })
  const root = purify.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    FORBID_TAGS: FORBIDDEN,
    FORBID_ATTR: ['style', 'srcset', 'id', 'name'],
    ALLOW_DATA_ATTR: false,
    ADD_ATTR: ['target'],
  })
  lowerHeadings(root)
  await colourCode(root)
  boxWide(root, labels)
  return root
}
