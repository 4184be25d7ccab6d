// SPDX-License-Identifier: MIT
// What the page shows is what the server knows, also after a bad moment of either, and hours later.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logIn, until } from './browser.mjs'
import { happen, solve } from './double.mjs'
import { challenges } from './game.mjs'
import { live, withPage } from './with_page.mjs'

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

test('after a resync the lists have what was missed', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page, server, context }) => {
    await live(page)
    const other = await context.newPage()
    await other.goto(`${server.url}/player/2`)
    await live(other)
    const send = server.send
    server.send = () => undefined
    solve(server, 2, 1)
    solve(server, 1, 1)
    server.send = send
    server.send([{ type: 'system', event: 'resync', seq: server.world.seq, ts: Date.now() }])
    await page.locator('.solver', { hasText: 'CryptoCats' }).waitFor()
    await other.getByRole('row', { name: /Warm up/ }).first().waitFor()
    await page.getByRole('button', { name: 'Challenges' }).click()
    await page.locator('.card[data-state=solved]', { hasText: 'Warm up' }).waitFor()
  }))

test('a solve between the first list and the first board is in the list', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    let release
    const held = new Promise((resolve) => (release = resolve))
    await page.route('**/api/scoreboard', async (route) => {
      await held
      await route.continue()
    })
    await page.reload()
    await page.locator('.card[data-state=open]', { hasText: 'Warm up' }).waitFor()
    solve(server, 1, 1)
    release()
    await page.locator('.card[data-state=solved]', { hasText: 'Warm up' }).waitFor()
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

test('a solve shows in the list of challenges also where that could not be loaded at once', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    server.world.answers.set('GET /api/challenges', busy)
    await field(page).fill('flag{1}')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('Challenge Solved!').waitFor()
    await until(() => calls(server, 'GET /api/challenges') >= 3, 'the list was asked for')
    server.world.answers.clear()
    await page.locator('#back-btn').click()
    await page.locator('.card[data-state=open]', { hasText: 'Locked away' }).waitFor()
    await page.locator('.card[data-state=solved]', { hasText: 'Warm up' }).waitFor()
  }))

test('a logout that the server did not take is not said to be one', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    server.world.answers.set('POST /api/logout', busy)
    const leave = async () => {
      await page.getByRole('button', { name: /^Menu/ }).click()
      await page.getByRole('button', { name: 'Log out' }).click()
    }
    await leave()
    await page.getByRole('alert').getByText('very busy').waitFor()
    assert.equal(await page.getByText('You are logged out').count(), 0)
    server.world.answers.clear()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByText('You are logged out').waitFor()
  }))

test('all tabs of a browser are one player: the one who logged in last', () =>
  withPage({}, { path: '/' }, async ({ page, server, context }) => {
    solve(server, 1, 3)
    const other = await context.newPage()
    await other.goto(server.url)
    await other.getByPlaceholder('Username').waitFor()
    await logIn(page, 'p1', 'secret')
    await other.locator('.card[data-state=solved]').waitFor()
    await page.getByRole('button', { name: /^Menu/ }).click()
    await page.getByRole('button', { name: 'Change name' }).click()
    await page.getByPlaceholder('e.g. CryptoCats').fill('Ada Lovelace')
    await page.getByRole('button', { name: 'Save & Continue' }).click()
    await other.locator('.header', { hasText: 'Ada Lovelace' }).waitFor()
    await other.getByRole('button', { name: /^Menu/ }).click()
    await other.getByRole('button', { name: 'Log out' }).click()
    await page.getByPlaceholder('Username').waitFor()
    await logIn(other, 'p2', 'secret')
    await page.locator('.header', { hasText: 'CryptoCats' }).waitFor()
    await page.locator('.card[data-state=locked]').waitFor()
    assert.equal(await page.locator('.card[data-state=solved]').count(), 0)
  }))

test('a session that has become another player by a new stream is that player altogether', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    solve(server, 1, 3)
    await page.reload() /* or it may fall between the list of challenges and the first board */
    await page.locator('.card[data-state=solved]').waitFor()
    await live(page)
    const { sessions } = server.world
    sessions.set('ofp1', server.world.players[1])
    server.drop(1008)
    await page.locator('.header', { hasText: 'CryptoCats' }).waitFor()
    await page.locator('.card[data-state=solved]').waitFor({ state: 'detached' })
  }))

test('Enter that is held down sends a guess once', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page, server }) => {
    await field(page).fill('wrong')
    await field(page).focus()
    await page.keyboard.down('Enter')
    for (let i = 0; i < 5; i += 1) {
      await page.getByText('That is not the flag').waitFor()
      await page.keyboard.down('Enter') /* what the keyboard's repetition is to the page */
    }
    await page.keyboard.up('Enter')
    await page.getByText('9 tries left').waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('8 tries left').waitFor()
    assert.equal(calls(server, 'POST /api/submit'), 2)
  }))

test("names and the game's end change on a room's screen without an event", () =>
  withPage({ boardPublic: true, endsTs: Date.now() + 90_000 }, { path: '/board' }, async ({ page, server }) => {
    await live(page)
    await page.getByText('Ends in').waitFor()
    server.world.players[3].name = 'Late Comer'
    server.world.players[0].name = 'Ada Lovelace'
    server.world.endsTs = Date.now() + 7_200_000
    await page.clock.install()
    await page.reload()
    await live(page)
    server.world.players[3].name = 'Later Comer'
    server.world.endsTs = Date.now() + 14_400_000
    await page.clock.runFor(200_000)
    await page.locator('.room-row', { hasText: 'Later Comer' }).waitFor()
    await page.locator('.room-count', { hasText: /^Ends in 3:5/ }).waitFor()
  }))

test('who comes back to the page sees what a reload of the game has changed, not after each glance aside', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    const look = (state) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { get: () => value, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, state)
    await page.clock.install()
    await page.reload()
    await live(page)
    const asked = calls(server, 'GET /api/challenges')
    server.world.challenges = challenges.map((one) => (one.id === 1 ? { ...one, title: 'Warmer up' } : one))
    await look('hidden')
    await page.clock.fastForward(3_000)
    await look('visible')
    await look('hidden')
    await page.clock.fastForward(60_000)
    await look('visible')
    await page.locator('.card[data-state=open]', { hasText: 'Warmer up' }).waitFor()
    assert.equal(calls(server, 'GET /api/challenges'), asked + 1)
  }))

test('a name that was just chosen is on the board, though the first board is a tick old', () =>
  withPage({}, { path: '/name', who: 'p4' }, async ({ page, server }) => {
    await page.getByPlaceholder('e.g. CryptoCats').waitFor()
    const { world } = server
    await until(() => world.calls.some((call) => call.startsWith('STREAM')), 'the stream')
    const old = { seq: 0, ts: 0, challenges: [], players: [] }
    world.answers.set('GET /api/scoreboard', { body: old })
    const before = calls(server, 'GET /api/scoreboard')
    await page.getByPlaceholder('e.g. CryptoCats').fill('Late Comer')
    await page.getByRole('button', { name: 'Save & Continue' }).click()
    await until(() => calls(server, 'GET /api/scoreboard') > before, 'the board was asked for')
    world.answers.clear()
    await page.getByRole('button', { name: 'Scoreboard' }).click()
    await page.locator('.list-line', { hasText: 'Late Comer' }).waitFor()
  }))

test('a picture beside the game is found from every address', () =>
  withPage(
    { challenges: [{ ...challenges[0], description: '![map](images/map.png) [file](images/a.zip)' }] },
    { path: '/challenge/1', who: 'p1' },
    async ({ page, server }) => {
      const image = page.locator('.markdown img')
      await image.waitFor({ state: 'attached' })
      assert.equal(await image.evaluate((it) => it.src), `${server.url}/images/map.png`)
      const link = page.locator('.markdown a')
      assert.equal(await link.evaluate((it) => it.href), `${server.url}/images/a.zip`)
    },
  ))

test("with a clock that is wrong the graph's axis says what its table says", () =>
  withPage({}, { path: '/scoreboard', who: 'p1', timezoneId: 'UTC' }, async ({ page, server }) => {
    solve(server, 2, 1)
    await page.addInitScript(() => {
      const now = Date.now
      Date.now = () => now() + 5 * 3_600_000
      const fill = CanvasRenderingContext2D.prototype.fillText
      window.drawn = []
      CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
        window.drawn.push(text)
        return fill.call(this, text, ...more)
      }
    })
    await page.reload()
    await page.locator('.plot canvas').waitFor()
    await page.getByText('Show as a table').click()
    const shown = await page.locator('.plain-table td').first().textContent()
    const hour = /(\d\d):\d\d/.exec(shown)[1]
    const drawn = () => page.evaluate(() => window.drawn)
    await until(async () => (await drawn()).some((text) => /^\d\d:\d\d/.test(text)), 'an axis')
    const hours = (await drawn()).filter((text) => /^\d\d:\d\d/.test(text)).map((text) => text.slice(0, 2))
    assert.ok(hours.includes(hour), `${hour} in ${hours}`)
  }))

test('a new name stands beside what happened before it', () =>
  withPage({}, { path: '/scoreboard', who: 'p1' }, async ({ page, server }) => {
    solve(server, 2, 1)
    await page.reload()
    await page.locator('.legend', { hasText: 'CryptoCats' }).waitFor()
    server.world.players[1].name = 'Crypto Dogs'
    await page.getByRole('button', { name: 'Challenges' }).click()
    await page.getByRole('button', { name: 'Scoreboard' }).click()
    await page.locator('.list-line', { hasText: 'Crypto Dogs' }).waitFor()
    await page.locator('.legend', { hasText: 'Crypto Dogs' }).waitFor()
    server.world.players[1].name = 'Crypto Cows'
    const answers = server.world.answers
    answers.set('GET /api/graph', { body: { seq: 1, players: [{ user_id: 2, displayname: 'Crypto Dogs', points: [[Date.now(), 50]] }] } })
    await page.getByRole('button', { name: 'Challenges' }).click()
    await page.getByRole('button', { name: 'Scoreboard' }).click()
    await page.locator('.legend', { hasText: 'Crypto Cows' }).waitFor()
  }))
