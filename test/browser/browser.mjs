// SPDX-License-Identifier: MIT
// browser.mjs - one Chromium for a test file, and what the tests say to it again and again.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/* The sanitiser reads HTML in a lifeless document of its own, where the policy says what it blocks. */
const inert = /inline (event handler|style) violates|the document's base URI/

/**
 * A context for many tests of a file: its one process has read and compiled the page's code already, so
 * a page is there in a third of the time.  Servers have ports of their own, so nothing is kept between
 * tests but cookies.
 */
export async function openContext(browser) {
  const context = await browser.newContext({ locale: 'en-GB' })
  const keeper = await context.newPage() // the process goes with the last page
  const clear = async () => {
    await context.setOffline(false)
    await Promise.all(context.pages().map((page) => page !== keeper && page.close()))
    await context.clearCookies()
  }
  return { context, clear }
}

/**
 * A page that remembers every complaint: a script error, a breach of the policy, a request to
 * another host.  `faults` must be empty at the end of a test.  strangeText: the game's own texts hold
 * what the policy forbids, which is no fault of the page.  shared: a context of openContext(), where the
 * page needs no settings of its own.
 */
export async function openPage(browser, url, options = {}) {
  const { cookies = [], strangeText = false, shared = null, ...others } = options
  const context = shared ?? (await browser.newContext({ locale: 'en-GB', ...others }))
  await context.addCookies(cookies)
  const page = await context.newPage()
  const faults = []
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() !== 'error') return
    const text = message.text()
    if (/Failed to load resource|WebSocket connection to|ERR_/.test(text) || (strangeText && inert.test(text))) return
    faults.push(`console: ${text}`)
  })
  page.on('request', (request) => {
    const target = request.url()
    if (!/^(data|blob):/.test(target) && new URL(target).host !== new URL(url).host) {
      faults.push(`foreign host: ${target}`)
    }
  })
  page.setDefaultTimeout(15_000)
  await page.goto(url)
  return { page, context, faults }
}

export async function logIn(page, username, password) {
  await page.getByPlaceholder('Username').fill(username)
  await page.getByPlaceholder('Password').fill(password)
  await page.getByRole('button', { name: 'Login', exact: true }).click()
}

/* The page's policy forbids strange scripts, so axe comes through the debugger, as an extension would. */
export async function axeViolations(page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: axeSource })
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})
      .then((found) => JSON.stringify(found.violations.map((v) => ({
        id: v.id, help: v.help, nodes: v.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? ''))}))))`,
    awaitPromise: true,
    returnByValue: true,
  })
  await session.detach()
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? 'axe failed')
  return JSON.parse(result.value)
}

/** Waits until `look()` is true, or fails after the deadline with the sentence. */
export async function until(look, sentence, deadlineMs = 15_000) {
  const end = performance.now() + deadlineMs
  for (;;) {
    if (await look()) return
    if (performance.now() > end) throw new Error(`not in time: ${sentence}`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
}
