// SPDX-License-Identifier: MIT
// Every screen in every state, light and dark, has nothing that axe complains about.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { axeViolations, logIn } from './browser.mjs'
import { solve } from './double.mjs'
import { withPage } from './with_page.mjs'

const flagField = (page) => page.getByPlaceholder('Enter FLAG text here')
const submit = async (page, flag) => {
  await flagField(page).fill(flag)
  await page.getByRole('button', { name: 'Submit' }).click()
}
const visible = (page, text) => page.getByText(text).first().waitFor()
const refuse = (status, error, more = {}) => ({ status, body: { error, ...more } })

/* name: [where, as whom (null: nobody), what to do until the state is there, the world's own settings] */
const states = {
  'sign in': ['/', null, (page) => page.getByPlaceholder('Password').waitFor()],
  'sign in, empty fields': [
    '/',
    null,
    async (page) => {
      await page.getByRole('button', { name: 'Login' }).click()
      await visible(page, 'Please fill in both fields.')
    },
  ],
  'sign in, wrong password': [
    '/',
    null,
    async (page) => {
      await logIn(page, 'p1', 'wrong')
      await visible(page, 'do not match')
    },
  ],
  'sign in, limit reached': [
    '/',
    null,
    async (page, server) => {
      const limited = refuse(429, 'rate_limit_exceeded', { retry_after_ms: 9000 })
      server.world.answers.set('POST /api/login', limited)
      await logIn(page, 'p1', 'secret')
      await visible(page, 'possible in 9 seconds')
    },
  ],
  'sign in, server away': [
    '/',
    null,
    async (page, server) => {
      server.world.answers.set('POST /api/login', { status: 502, body: {} })
      await logIn(page, 'p1', 'secret')
      await visible(page, 'cannot be reached')
      assert.equal(await page.getByPlaceholder('Username').inputValue(), 'p1')
      assert.equal(await page.getByPlaceholder('Password').inputValue(), 'secret')
    },
  ],
  'the page while the server is away': [
    '/',
    null,
    (page) => visible(page, 'cannot be reached'),
    { answers: new Map([['GET /api/game', { status: 502, body: {} }]]) },
  ],
  'after a reset': [
    '/challenges',
    'p1',
    async (page, server) => {
      await visible(page, 'Live')
      server.reset()
      await visible(page, 'have reset the game')
    },
  ],
  'a scoreboard open to guests': [
    '/scoreboard',
    null,
    (page) => page.locator('.list-line').first().waitFor(),
    { boardPublic: true },
  ],
  'choose a name': ['/', 'p4', (page) => page.getByPlaceholder('e.g. CryptoCats').waitFor()],
  'choose a name, against the rules': [
    '/',
    'p4',
    async (page) => {
      await page.getByPlaceholder('e.g. CryptoCats').fill('<x>')
      await visible(page, 'Display name contains invalid characters')
    },
  ],
  'choose a name, taken': [
    '/',
    'p4',
    async (page) => {
      await page.getByPlaceholder('e.g. CryptoCats').fill('Ada')
      await page.getByRole('button', { name: 'Save & Continue' }).click()
      await visible(page, 'This name is taken')
    },
  ],
  challenges: ['/challenges', 'p1', (page) => page.locator('.card').first().waitFor()],
  'challenges, nothing matches': [
    '/challenges',
    'p1',
    async (page) => {
      await page.getByLabel('Search challenges').fill('zzz')
      await visible(page, 'No challenge matches')
    },
  ],
  'challenges, none yet': ['/challenges', 'p1', (page) => visible(page, 'no challenges yet'), { challenges: [] }],
  'challenges, not loaded': [
    '/challenges',
    'p1',
    (page) => page.getByRole('button', { name: 'Try again' }).waitFor(),
    { answers: new Map([['GET /api/challenges', { status: 502, body: {} }]]) },
  ],
  'a challenge': ['/challenge/1', 'p1', (page) => page.locator('.hljs').waitFor()],
  'a challenge, wrong answer': [
    '/challenge/1',
    'p1',
    async (page) => {
      await submit(page, 'nope')
      await visible(page, '9 tries left')
      assert.equal(await flagField(page).inputValue(), 'nope', 'the text is kept')
    },
  ],
  'a challenge, limit reached': [
    '/challenge/1',
    'p1',
    async (page) => {
      await submit(page, 'nope')
      await visible(page, 'The next try is possible in')
    },
    { triesLeft: 1 },
  ],
  'a challenge, solved': [
    '/challenge/1',
    'p1',
    async (page) => {
      await submit(page, 'flag{1}')
      await visible(page, 'Challenge Solved!')
      await visible(page, 'Now open:')
    },
  ],
  'a challenge, solved before': ['/challenge/3', 'p1', (page) => visible(page, 'solved this already')],
  'a challenge, locked': ['/challenge/2', 'p1', (page) => visible(page, 'opens once you have solved')],
  'a challenge that is not there': ['/challenge/99', 'p1', (page) => visible(page, 'does not exist')],
  'a hint to confirm': [
    '/challenge/1',
    'p1',
    async (page) => {
      await page.getByRole('button', { name: 'Show hint 1' }).click()
      await visible(page, 'Your score after')
    },
  ],
  'a hint too dear': [
    '/challenge/1',
    'p2',
    async (page) => {
      await page.getByRole('button', { name: 'Show hint 1' }).click()
      await visible(page, 'You need 5 points')
    },
  ],
  'a hint, open': [
    '/challenge/1',
    'p1',
    async (page) => {
      await page.getByRole('button', { name: 'Show hint 1' }).click()
      await page.getByRole('button', { name: 'Show the hint' }).click()
      await visible(page, 'hint')
      await page.getByRole('button', { name: 'Show hint 2' }).waitFor()
    },
  ],
  scoreboard: [
    '/scoreboard',
    'p1',
    async (page) => {
      await page.locator('.list-line').first().waitFor()
      await page.locator('.plot canvas').waitFor()
    },
  ],
  'scoreboard, nobody found': [
    '/scoreboard',
    'p1',
    async (page) => {
      await page.getByLabel('Search players').fill('zzz')
      await visible(page, 'Nobody by that name.')
    },
  ],
  'scoreboard, a player added to the graph': [
    '/scoreboard',
    'p1',
    async (page) => {
      await page.getByLabel('Add a player').fill('nightowl')
      await page.getByRole('button', { name: 'nightowl' }).first().click()
      await page.getByRole('button', { name: 'Remove nightowl' }).waitFor()
      await page.getByText('Show as a table').click()
    },
  ],
  'scoreboard, nobody yet': [
    '/scoreboard',
    'p4',
    (page) => visible(page, 'Choose your name'),
  ],
  'a player': ['/player/1', 'p1', (page) => page.locator('.plot canvas').waitFor()],
  'a player who is not there': ['/player/99', 'p1', (page) => visible(page, 'no such player')],
  'no such address': ['/challenges', 'p1', async (page) => {
    await page.locator('.card').first().waitFor()
    await page.evaluate(() => {
      history.pushState({}, '', '/nowhere')
      dispatchEvent(new PopStateEvent('popstate'))
    })
    await visible(page, 'Nothing here')
  }],
  'the menu': [
    '/challenges',
    'p1',
    async (page) => {
      await page.getByRole('button', { name: /Menu/ }).click()
      await page.getByLabel('Appearance').waitFor()
    },
  ],
  'change the name': ['/name', 'p1', (page) => page.getByPlaceholder('e.g. CryptoCats').waitFor()],
  'the stream is lost': [
    '/challenges',
    'p1',
    async (page, server) => {
      await visible(page, 'Live')
      server.world.answers.set('STREAM', true)
      server.drop()
      await visible(page, 'Reconnecting in')
    },
  ],
  offline: [
    '/challenges',
    'p1',
    async (page) => {
      await visible(page, 'Live')
      await page.context().setOffline(true)
      await visible(page, 'Offline')
    },
  ],
  "the room's screen, private": [
    '/board',
    null,
    (page) => page.getByLabel('Display token').waitFor(),
    { displayToken: 'tok' },
  ],
  "the room's screen, wrong token": [
    '/board',
    null,
    async (page) => {
      await page.getByLabel('Display token').fill('nope')
      await page.getByRole('button', { name: 'Show' }).click()
      await visible(page, 'not valid')
    },
    { displayToken: 'tok' },
  ],
  "the room's screen": [
    '/board',
    null,
    async (page, server) => {
      await page.locator('.room-row').first().waitFor()
      await visible(page, 'Ends in')
      await visible(page, 'Live')
      solve(server, 3, 1)
      await page.locator('.first-blood').waitFor()
    },
    { boardPublic: true, endsTs: Date.now() + 3_600_000 },
  ],
}

function check(name) {
  const [path, who, reach, settings = {}] = states[name]
  const prepare = (server) => {
    if (server.world.challenges.length === 0) return
    solve(server, 1, 3)
    solve(server, 2, 3, { points: 1 })
  }
  return withPage({ welcome: 'Hello **there**', ...settings }, { path, who, prepare }, async ({ page, server }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await reach(page, server)
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      await page.waitForFunction((dark) => document.documentElement.dataset.theme === dark, colorScheme)
      assert.deepEqual(await axeViolations(page), [], colorScheme)
    }
  })
}

for (const name of Object.keys(states)) {
  test(`axe finds nothing: ${name}`, () => check(name))
}
