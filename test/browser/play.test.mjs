// SPDX-License-Identifier: MIT
// People play the demo game on a real server, in real browsers, while the server has its bad moments.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServer } from '../lib/server.mjs'
import { launch, logIn, openPage, until } from './browser.mjs'

const demo = fileURLToPath(new URL('../../examples/demo/', import.meta.url))
const challenges = JSON.parse(readFileSync(`${demo}challenges.json`, 'utf8'))
const flags = new Map(challenges.map((challenge) => [challenge.title, challenge.testflag]))
const total = challenges.reduce((sum, challenge) => sum + challenge.points, 0)
const hinted = challenges.find((challenge) => challenge.hints?.some((hint) => hint.cost > 0) && challenge.id > 1)
const env = { CTFG_ADMIN_TOKEN: 'admin-token-of-tests', CTFG_DISPLAY_TOKEN: 'display-token-of-tests' }

let browser
before(async () => {
  browser = await launch()
})
after(() => browser?.close())

const live = (page) => page.locator('.stream-state[data-state=live]').waitFor()
const go = (page, name) => page.getByRole('button', { name, exact: true }).click()
const score = async (page) => (await page.getByTestId('my-score').locator('[aria-hidden]').first().textContent()) ?? ''

async function enter(server, username, password, name) {
  const opened = await openPage(browser, server.url, { strangeText: true })
  await logIn(opened.page, username, password)
  await opened.page.getByPlaceholder('e.g. CryptoCats').fill(name)
  await go(opened.page, 'Save & Continue')
  await opened.page.locator('.card').first().waitFor()
  return { ...opened, name }
}

async function submit(page, flag) {
  await page.getByPlaceholder('Enter FLAG text here').fill(flag)
  await go(page, 'Submit')
}

/* Opens the first open, unsolved card and answers it; false: there is none left. */
async function solveNext(page) {
  const card = page.locator('.card[data-state=open]').first()
  if ((await card.count()) === 0) return false
  const title = await card.getByRole('heading').textContent()
  await card.click()
  await page.getByRole('heading', { level: 1, name: title ?? '', exact: true }).waitFor()
  await submit(page, flags.get(title) ?? '')
  await page.getByText('Challenge Solved!').waitFor()
  await page.locator('#back-btn').click()
  await page.locator('.card').first().waitFor()
  return true
}

async function admin(server, path, body = {}) {
  const token = env.CTFG_ADMIN_TOKEN
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ token, ...body }),
  })
  assert.equal(answer.status, 200, `${path}: ${await answer.text()}`)
}

test('two players play the whole demo game', async () => {
  const server = await startServer({ game: 'demo', env, flags: ['--workers', '2'] })
  const alice = await enter(server, 'alice', 'wonderland', 'Alice in Chains')
  const bob = await enter(server, 'bob', 'builder', 'Bob the Breaker')
  try {
    /* Bob watches the scoreboard while Alice solves the first one. */
    await go(bob.page, 'Scoreboard')
    await live(bob.page)
    assert.equal(await solveNext(alice.page), true)
    await bob.page.locator('.list-line', { hasText: alice.name }).waitFor()
    await go(bob.page, 'Challenges')

    /* A wrong answer, the name that is taken, a hint. */
    await alice.page.goto(`${server.url}/challenge/${hinted.id}`)
    await submit(alice.page, 'certainly wrong')
    await alice.page.getByText('That is not the flag.').waitFor()
    await alice.page.getByText(/\d+ tries left/).waitFor()
    const before = await score(alice.page)
    await go(alice.page, 'Show hint 1')
    if (Number(before) >= hinted.hints[0].cost) {
      await go(alice.page, 'Show the hint')
      await alice.page.locator('.hint .markdown').first().waitFor()
    } else {
      await alice.page.getByText('You need').waitFor()
      await go(alice.page, 'Cancel')
    }
    await alice.page.goto(`${server.url}/name`)
    await alice.page.getByPlaceholder('e.g. CryptoCats').fill(bob.name)
    await go(alice.page, 'Save & Continue')
    await alice.page.getByText('This name is taken').waitFor()
    await go(alice.page, 'Challenges')

    const finish = async ({ page }) => {
      await page.locator('.card').first().waitFor()
      while (await solveNext(page));
    }
    await Promise.all([finish(alice), finish(bob)])

    for (const { page } of [alice, bob]) {
      await page.getByText(`${challenges.length} of ${challenges.length} solved`).first().waitFor()
      await go(page, 'Scoreboard')
      await page.locator('.list-line', { hasText: bob.name }).waitFor()
      const text = await page.locator('.list-line', { hasText: bob.name }).textContent()
      assert.match(text ?? '', new RegExp(total.toLocaleString('en-GB')))
      await page.locator('.plot canvas').waitFor()
    }
    await alice.page.locator('.list-line a', { hasText: bob.name }).click()
    await until(
      async () => (await alice.page.locator('.plain-table tbody tr').count()) >= challenges.length,
      "all of Bob's solves",
    )
    assert.deepEqual(alice.faults, [])
    assert.deepEqual(bob.faults, [])
  } finally {
    await alice.context.close()
    await bob.context.close()
    await server.stop()
  }
})

test('killed workers cost a reconnect, and no solve', async () => {
  const server = await startServer({ game: 'demo', env, flags: ['--workers', '2'] })
  const alice = await enter(server, 'alice', 'wonderland', 'Alice')
  const bob = await enter(server, 'bob', 'builder', 'Bob')
  try {
    await Promise.all([live(alice.page), live(bob.page)])
    await solveNext(alice.page)
    await bob.page.evaluate(() => {
      window.lost = new Promise((lost) => {
        const state = document.querySelector('.stream-state')
        new MutationObserver(() => lost(true)).observe(state, { attributes: true })
      })
    })
    for (const pid of server.workers()) server.kill(pid)
    await bob.page.evaluate(() => window.lost)
    await Promise.all([live(alice.page), live(bob.page)])
    await solveNext(alice.page)
    await go(bob.page, 'Scoreboard')
    const shown = await score(alice.page)
    assert.ok(Number(shown) > 0)
    await bob.page.locator('.list-line', { hasText: 'Alice' }).getByText(shown, { exact: true }).waitFor()
    assert.deepEqual(alice.faults, [])
  } finally {
    await alice.context.close()
    await bob.context.close()
    await server.stop()
  }
})

test('a reset logs everybody out with a sentence, and the game begins again', async () => {
  const server = await startServer({ game: 'demo', env, flags: ['--workers', '2'] })
  const alice = await enter(server, 'alice', 'wonderland', 'Alice')
  const room = await openPage(browser, `${server.url}/board`)
  try {
    await live(alice.page)
    await live(room.page)
    await solveNext(alice.page)
    await room.page.locator('.room-row', { hasText: 'Alice' }).waitFor()
    await admin(server, '/admin/reset')
    await alice.page.getByText('have reset the game').waitFor()
    await room.page.locator('.room-row', { hasText: 'Alice' }).waitFor({ state: 'detached' })
    await live(room.page)
    await logIn(alice.page, 'alice', 'wonderland')
    await alice.page.getByPlaceholder('e.g. CryptoCats').fill('Alice again')
    await go(alice.page, 'Save & Continue')
    await alice.page.locator('.card').first().waitFor() // before it there is no solved one either
    await alice.page.locator('.card[data-state=solved]').waitFor({ state: 'detached' })
    await live(alice.page)
    assert.ok(await solveNext(alice.page))
    await room.page.locator('.room-row', { hasText: 'Alice again' }).waitFor()
    assert.deepEqual(alice.faults, [])
    assert.deepEqual(room.faults, [])
  } finally {
    await alice.context.close()
    await room.context.close()
    await server.stop()
  }
})

test('a player who is logged out by the organisers is told so', async () => {
  const server = await startServer({ game: 'demo', env, flags: [] })
  const alice = await enter(server, 'alice', 'wonderland', 'Alice')
  try {
    await live(alice.page)
    await admin(server, '/admin/logout', { username: 'alice' })
    await alice.page.getByText('Your session has ended').waitFor()
  } finally {
    await alice.context.close()
    await server.stop()
  }
})

test("a private room's screen opens with the display token only", async () => {
  const server = await startServer({ game: 'demo', env, flags: [], config: 'game:\n  board_public: false\n' })
  const room = await openPage(browser, `${server.url}/board`)
  try {
    await room.page.getByLabel('Display token').fill('wrong')
    await go(room.page, 'Show')
    await room.page.getByText('not valid').waitFor()
    await room.page.getByLabel('Display token').fill(env.CTFG_DISPLAY_TOKEN)
    await go(room.page, 'Show')
    await live(room.page)
    const alice = await enter(server, 'alice', 'wonderland', 'Alice')
    await solveNext(alice.page)
    await room.page.locator('.first-blood', { hasText: 'Alice' }).waitFor()
    await alice.context.close()
    assert.deepEqual(room.faults, [])
  } finally {
    await room.context.close()
    await server.stop()
  }
})

test("a private room's screen that a session opened asks for the token when that has ended", async () => {
  const server = await startServer({ game: 'demo', env, flags: [], config: 'game:\n  board_public: false\n' })
  const alice = await enter(server, 'alice', 'wonderland', 'Alice')
  try {
    const room = await alice.context.newPage()
    await room.goto(`${server.url}/board`)
    await live(room)
    await admin(server, '/admin/logout', { username: 'alice' })
    await room.getByLabel('Display token').waitFor()
    assert.equal(await room.getByText('not valid').count(), 0, 'no token was given yet')
    await room.getByLabel('Display token').fill(env.CTFG_DISPLAY_TOKEN)
    await go(room, 'Show')
    await live(room)
    assert.deepEqual(alice.faults, [])
  } finally {
    await alice.context.close()
    await server.stop()
  }
})
