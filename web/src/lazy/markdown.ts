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
]

/*
 * Pictures come from this server only: nothing is loaded from another host.  Links elsewhere open
 * apart and tell nobody where they came from.
 */
purify.addHook('afterSanitizeAttributes', (node) => {
  if (node instanceof HTMLImageElement) {
    const address = new URL(node.getAttribute('src') ?? '', location.href)
    if (address.origin !== location.origin && address.protocol !== 'data:') {
      const link = document.createElement('a')
      link.href = address.href
      link.target = '_blank'
      link.rel = 'noopener noreferrer'
      link.textContent = node.alt === '' ? address.href : node.alt
      node.replaceWith(link)
      return
    }
    node.loading = 'lazy'
    node.decoding = 'async'
    if (!node.hasAttribute('alt')) node.alt = ''
  } else if (node instanceof HTMLAnchorElement && node.hasAttribute('href')) {
    if (node.origin !== location.origin) {
      node.target = '_blank'
      node.rel = 'noopener noreferrer'
    }
  }
})

/* A screen has its own h1 to h3: the text's headings go below them. */
function lowerHeadings(root: DocumentFragment): void {
  for (const heading of root.querySelectorAll('h1,h2,h3,h4,h5,h6')) {
    const lowered = document.createElement('p')
    lowered.className = `md-heading md-${heading.localName}`
    lowered.setAttribute('role', 'heading')
    lowered.setAttribute('aria-level', String(Math.min(6, Number(heading.localName[1]) + 2)))
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
