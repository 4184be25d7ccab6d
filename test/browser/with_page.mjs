// SPDX-License-Identifier: MIT
// with_page.mjs - one browser a test file, and for each test a server of its own (double.mjs) and a page at it.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { launch, openContext, openPage } from './browser.mjs'
import { makeWorld, startDouble } from './double.mjs'
import { challenges, players } from './game.mjs'

let browser
let many
before(async () => {
  browser = await launch()
  many = await openContext(browser)
})
after(() => browser?.close())

/** options: path; who is logged in; prepare(server) before the page opens; what else a context of its own needs. */
export async function withPage(settings, options, run) {
  const { path = '/', who = null, prepare = () => undefined, ...more } = options
  const server = await startDouble(makeWorld({ challenges, players: players(), ...settings }))
  prepare(server)
  const cookies = who === null ? [] : [server.cookieFor(who)]
  const shared = Object.keys(more).length === 0 ? many.context : null
  const opened = await openPage(browser, server.url + path, { cookies, shared, ...more })
  try {
    await run({ server, ...opened })
    assert.deepEqual(opened.faults, [])
  } finally {
    await (shared === null ? opened.context.close() : many.clear())
    await server.stop()
  }
}

export const live = (page) => page.locator('.stream-state[data-state=live]').waitFor()
