// SPDX-License-Identifier: MIT
// What the page shows is what the server knows, also after a bad moment of either, and hours later.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, logIn, openPage, until } from './browser.mjs'
import { happen, makeWorld, solve, startDouble } from './double.mjs'
import { challenges, players } from './game.mjs'

let browser
before(async () => {
  browser = await launch()
})
after(() => browser?.close())

async function withPage(settings, options, run) {
  const { path = '/', who = null, ...more } = options
  const server = await startDouble(makeWorld({ challenges, players: players(), ...settings }))
  const cookies = who === null ? [] : [server.cookieFor(who)]
  const opened = await openPage(browser, server.url + path, { cookies, ...more })
  try {
    await run({ server, ...opened })
    assert.deepEqual(opened.faults, [])
  } finally {
    await opened.context.close()
    await server.stop()
  }
}

const live = (page) => page.locator('.stream-state[data-state=live]').waitFor()
const field = (page) => page.getByPlaceholder('Enter FLAG text here')
const busy = { status: 503, body: { error: 'unavailable' }, headers: { 'retry-after': '1' } }
const calls = (server, call) => server.world.calls.filter((made) => made === call).length

/* More events than a page keeps in mind. */
function rush(server) {
  for (let i = 0; i < 600; i += 1) {
    happen(server, { type: 'score', user_id: 3, challenge_id: 900, challenge: 'x', points: 1, place: i + 1 })
  }
}

test('who solved a challenge stays on its page, however much happens elsewhere', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    solve(server, 2, 1)
    const solver = page.locator('.solver', { hasText: 'CryptoCats' })
    await solver.waitFor()
    rush(server)
    solve(server, 3, 1)
    await page.locator('.solver', { hasText: 'nightowl' }).waitFor()
    assert.equal(await solver.count(), 1)
  }))

test("a player's own page keeps what happened while it was open", () =>
  withPage({}, { path: '/player/2', who: 'p1' }, async ({ page, server }) => {
    solve(server, 2, 3)
    await page.reload()
    await live(page)
    await page.locator('.plain-table', { hasText: 'Solved before' }).waitFor()
    solve(server, 2, 1)
    const row = page.getByRole('row', { name: /Warm up/ }).last()
    await row.waitFor()
    rush(server)
    solve(server, 2, 2)
    await page.getByRole('row', { name: /Locked away/ }).last().waitFor()
    assert.equal(await row.count(), 1)
  }))

test('what could not be loaded in a bad moment comes by itself', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page, server, context }) => {
    const { answers } = server.world
    solve(server, 2, 1)
    for (const path of ['solves', 'graph', 'player']) answers.set(`GET /api/${path}`, busy)
    await page.reload()
    await live(page)
    const other = await context.newPage()
    await other.goto(`${server.url}/scoreboard`)
    await other.getByText('could not be loaded').waitFor()
    const third = await context.newPage()
    await third.goto(`${server.url}/player/2`)
    await third.getByRole('alert').waitFor()
    answers.clear()
    await page.locator('.solver', { hasText: 'CryptoCats' }).waitFor()
    await other.locator('.plot canvas').waitFor()
    await third.getByRole('row', { name: /Warm up/ }).first().waitFor()
  }))
