// SPDX-License-Identifier: MIT
// How the page behaves: keyboard, phone, languages, the stream's troubles, the room's screen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logIn, until } from './browser.mjs'
import { addPlayers, happen, solve } from './double.mjs'
import { challenges, players } from './game.mjs'
import { live, withPage } from './with_page.mjs'

const score = async (page) => (await page.getByTestId('my-score').textContent()) ?? ''
const focused = (page) =>
  page.evaluate(() => {
    const it = document.activeElement
    if (it === document.body) return ''
    return it?.getAttribute('placeholder') ?? it?.textContent?.trim() ?? ''
  })

async function tabTo(page, wanted) {
  for (let steps = 0; steps < 60; steps += 1) {
    if ((await focused(page)).includes(wanted)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`the keyboard does not reach "${wanted}"`)
}

test('a game can be played with the keyboard alone', () =>
  withPage({}, {}, async ({ page }) => {
    await page.getByPlaceholder('Username').waitFor()
    await tabTo(page, 'Username')
    await page.keyboard.type('p4')
    await tabTo(page, 'Password')
    await page.keyboard.type('secret')
    await page.keyboard.press('Enter')
    await page.getByPlaceholder('e.g. CryptoCats').waitFor()
    await tabTo(page, 'e.g. CryptoCats')
    await page.keyboard.type('Key Board')
    await page.keyboard.press('Enter')
    await page.locator('.card').first().waitFor()
    await tabTo(page, 'Warm up')
    await page.keyboard.press('Enter')
    await page.locator('#back-btn').waitFor()
    assert.equal(await focused(page), 'Warm up', 'the heading has the focus after a step')
    await tabTo(page, 'Enter FLAG text here')
    await page.keyboard.type('flag{1}')
    await page.keyboard.press('Enter')
    await page.getByText('Challenge Solved!').waitFor()
    await until(async () => (await focused(page)).includes('Challenge Solved!'), 'the focus on the good news')
    await page.evaluate(() => document.body.focus())
    await tabTo(page, 'Scoreboard')
    await page.keyboard.press('Enter')
    await page.locator('.list-line', { hasText: 'Key Board' }).waitFor()
    await tabTo(page, 'Key Board')
  }))

test('a hint is bought with the keyboard, and Escape says no', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page, server }) => {
    solve(server, 1, 3)
    await page.getByRole('button', { name: 'Show hint 1' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await focused(page), 'Show hint 1', 'the focus goes back')
    assert.ok(!server.world.calls.includes('POST /api/hint'))
    await page.keyboard.press('Enter')
    await page.getByText('Your score now').waitFor()
    const numbers = await page.locator('.price dd').allTextContents()
    assert.deepEqual(numbers, ['20', '−5', '15'])
    await page.getByRole('button', { name: 'Show the hint' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('.hint .markdown strong', { hasText: 'first' }).waitFor()
    await until(async () => (await score(page)).includes('15'), 'the new score')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await focused(page), 'Hint 1', 'the focus on what was bought: its button is gone')
  }))

test('a challenge that is solved elsewhere takes the field away, not the focus', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    await page.getByPlaceholder('Enter FLAG text here').fill('half a gue')
    solve(server, 1, 1)
    await page.getByPlaceholder('Enter FLAG text here').waitFor({ state: 'detached' })
    assert.equal(await focused(page), 'You have solved this already.')
  }))

test('whoever moves up the scoreboard, or is added to the graph, does not take the focus along', () =>
  withPage({}, { path: '/scoreboard', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    await page.locator('.list-line a', { hasText: 'nightowl' }).focus()
    solve(server, 3, 1) /* from third to first */
    await page.locator('.list-line[aria-rowindex="2"]', { hasText: 'nightowl' }).waitFor()
    assert.equal(await focused(page), 'nightowl')
    const field = page.locator('.board-columns form input')
    await field.fill('Crypto')
    await page.locator('.board-columns form li button').focus()
    await page.keyboard.press('Enter')
    const remove = page.getByRole('button', { name: 'Remove CryptoCats' })
    await remove.waitFor()
    assert.equal(await field.evaluate((it) => it === document.activeElement), true)
    await remove.focus()
    await page.keyboard.press('Enter')
    await remove.waitFor({ state: 'detached' })
    assert.equal(await field.evaluate((it) => it === document.activeElement), true)
  }))

test('a button that does away with itself hands the focus on', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page }) => {
    const search = page.locator('.filter input[type=search]')
    await search.fill('no such challenge')
    await page.locator('p.panel button').focus()
    await page.keyboard.press('Enter')
    await page.locator('.card').first().waitFor()
    assert.equal(await search.evaluate((it) => it === document.activeElement), true)
    for (const time of ['from elsewhere', 'on that screen']) {
      await page.getByRole('button', { name: /^Menu/ }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Change name' }).focus()
      await page.keyboard.press('Enter')
      await page.locator('input[name=displayname]').waitFor()
      assert.notEqual(await focused(page), '', time)
    }
  }))

test('every screen has its own address, and Back goes back', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page }) => {
    const at = (path) => until(() => new URL(page.url()).pathname === path, path)
    await page.locator('.card').first().click()
    await at('/challenge/1')
    await page.getByRole('button', { name: 'Scoreboard' }).click()
    await at('/scoreboard')
    await page.goBack()
    await at('/challenge/1')
    await page.locator('#back-btn').click()
    await at('/challenges')
    await page.goto(page.url().replace('/challenges', '/challenge/1'))
    await page.locator('#back-btn').click()
    await at('/challenges')
    await page.getByLabel('Search challenges').fill('warm')
    await page.locator('.card').first().click()
    await page.locator('#back-btn').click()
    assert.equal(await page.getByLabel('Search challenges').inputValue(), 'warm', 'the filter is kept')
  }))

/* A browser zooms by laying out in fewer, denser pixels: a 1280 x 800 window at 200 % is 640 x 400. */
const zooms = [
  { what: 'a phone of 360 pixels', viewport: { width: 360, height: 740 }, deviceScaleFactor: 3 },
  { what: 'a window at 200 % zoom', viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
  { what: 'a window at 400 % zoom', viewport: { width: 320, height: 200 }, deviceScaleFactor: 4 },
]
for (const { what, ...screen } of zooms)
  test(`everything is reachable and nothing is wider than ${what}`, () =>
    withPage({ boardPublic: true }, { who: 'p1', ...screen }, async ({ page, server }) => {
      solve(server, 2, 1)
      for (const path of ['/challenges', '/challenge/1', '/challenge/2', '/scoreboard', '/player/2', '/name', '/board']) {
        await page.goto(server.url + path)
        await page.locator('h1').first().waitFor()
        await page.waitForLoadState('networkidle')
        const width = await page.evaluate(() => document.documentElement.scrollWidth)
        assert.ok(width <= screen.viewport.width, `${path} is ${width} wide`)
      }
      await page.goto(`${server.url}/challenge/1`)
      const field = page.getByPlaceholder('Enter FLAG text here')
      await field.click() /* scrolls to it; fails where something covers it */
      await page.getByRole('button', { name: 'Submit', exact: true }).click({ trial: true })
      await page.goto(`${server.url}/scoreboard`)
      await page.locator('.list-line').first().click({ trial: true })
    }))

/* As long as `ctfg check` lets an organiser make them, and names as wide as players may choose. */
const wide = {
  name: 'The Long Night of the Museum of Obsolete Computing, its Archive, its Cellar and its Attic, and more',
  boardPublic: true,
  challenges: [
    { ...challenges[0], title: 'W'.repeat(200), category: 'X'.repeat(200), difficulty: 'D'.repeat(200) },
    { ...challenges[1], difficulty: 'insane '.repeat(28), points: 1_000_000 },
    { ...challenges[2], points: 1_000_000 },
  ],
}
test('one point is not "1 points"', () => {
  const [first] = challenges
  const one = { ...first, points: 1, hints: [{ ...first.hints[0], cost: 1 }] }
  const many = { ...first, id: 7, points: 1250, hints: [] }
  return withPage({ challenges: [one, many] }, { path: '/challenge/1', who: 'p1' }, async ({ page, server }) => {
    await page.locator('.chip-strong').getByText('1 point', { exact: true }).waitFor()
    await page.getByText('costs 1 point', { exact: true }).waitFor()
    await page.goto(`${server.url}/challenge/7`)
    await page.locator('.chip-strong').getByText('1,250 points', { exact: true }).waitFor()
  })
})

for (const [width, height] of [[360, 740], [768, 1000], [1440, 900]])
  test(`the longest texts of a game fit into ${width} pixels`, () =>
    withPage(wide, { who: 'p1', viewport: { width, height } }, async ({ page, server }) => {
      for (const player of server.world.players) player.name &&= `WMWM@WMWM@WMWM@WMWM@WMWM@WMW${player.id}`
      solve(server, 2, 3)
      solve(server, 3, 3, { points: 1 })
      for (const path of ['/', '/challenges', '/challenge/1', '/challenge/2', '/challenge/3', '/scoreboard', '/player/2', '/board']) {
        await page.goto(server.url + path)
        await page.locator('h1').first().waitFor()
        await page.waitForLoadState('networkidle')
        const outside = await page.evaluate(() => ({
          width: document.documentElement.scrollWidth,
          spilt: [...document.querySelectorAll('dd, .card, .chip, .room-row')]
            .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
            .map((one) => one.className || one.textContent),
          scores: [...document.querySelectorAll('.room-score')]
            .map((one) => one.getBoundingClientRect().right - one.closest('.room-panel').getBoundingClientRect().right)
            .filter((over) => over > 0),
        }))
        assert.deepEqual(outside, { width, spilt: [], scores: [] }, path)
      }
    }))

test('a table of Markdown scrolls, it is not broken into letters', () =>
  withPage(
    { challenges: [{ ...challenges[0], description: `|${'a|'.repeat(8)}\n|${'-|'.repeat(8)}\n|${'several-letters|'.repeat(8)}` }] },
    { who: 'p1', path: '/challenge/1', viewport: { width: 360, height: 740 } },
    async ({ page }) => {
      const cell = await page.locator('.markdown td').first().boundingBox()
      assert.ok(cell.height < 60, `a word takes ${cell.height} pixels of height`)
    },
  ))

test('the graph has room for the numbers of its axis', () =>
  withPage({ boardPublic: true }, { path: '/scoreboard' }, async ({ page, server }) => {
    const axis = () => page.evaluate(() => {
      const plot = document.querySelector('.plot .u-over').getBoundingClientRect()
      const context = document.createElement('canvas').getContext('2d')
      context.font = `12px ${getComputedStyle(document.documentElement).getPropertyValue('--font')}`
      return { room: plot.left - document.querySelector('.plot').getBoundingClientRect().left,
        needed: context.measureText('1,000,000').width }
    })
    solve(server, 2, 3, { points: 1_000_000 })
    await page.locator('.plot canvas').waitFor()
    await until(async () => { const { room, needed } = await axis(); return room > needed }, 'room for seven digits')
  }))

test('one player is one player', () =>
  withPage({ boardPublic: true, players: players().slice(0, 1) }, { path: '/board' }, async ({ page, server }) => {
    await page.getByText('1 player', { exact: true }).waitFor()
    solve(server, 1, 3)
    await page.getByText('1 solve', { exact: true }).waitFor()
    await page.goto(`${server.url}/scoreboard`)
    await page.getByText('1 player', { exact: true }).waitFor()
  }))

test('each text runs in the direction of its language', () =>
  withPage(
    { challenges: [{ ...challenges[0], title: 'מה שלומך?', description: 'שלום: `flag{...}`!\n\nEnglish.' }] },
    { who: 'p1', path: '/challenge/1', viewport: { width: 360, height: 740 } },
    async ({ page }) => {
      await page.locator('.markdown p').first().waitFor()
      const sides = await page.locator('.markdown p').evaluateAll((all) => all.map((one) => {
        const range = document.createRange()
        range.selectNodeContents(one)
        const text = range.getBoundingClientRect()
        const box = one.getBoundingClientRect()
        return text.left - box.left > box.right - text.right ? 'right' : 'left'
      }))
      assert.deepEqual(sides, ['right', 'left'])
      assert.equal(await page.locator('h1').evaluate((one) => getComputedStyle(one).direction), 'rtl')
    },
  ))

test('text of twice the size is not cut off', () =>
  withPage({ boardPublic: true }, { who: 'p1', viewport: { width: 1280, height: 800 } }, async ({ page, server }) => {
    solve(server, 2, 1)
    for (const path of ['/challenges', '/challenge/1', '/challenge/2', '/scoreboard', '/player/2', '/name', '/board']) {
      await page.goto(server.url + path)
      await page.locator('h1').first().waitFor()
      await page.waitForLoadState('networkidle')
      const cut = await page.evaluate(() => {
        document.documentElement.style.fontSize = '200%'
        const hidden = (element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX === 'hidden'
        const ellipsis = (element) => getComputedStyle(element).textOverflow === 'ellipsis'
        return {
          width: document.documentElement.scrollWidth,
          texts: [...document.querySelectorAll('button, label, h1, h2, h3, p')]
            .filter((element) => hidden(element) && !ellipsis(element) && !element.closest('.sr-only'))
            .map((element) => element.textContent),
        }
      })
      assert.ok(cut.width <= 1280, `${path} is ${cut.width} wide`)
      assert.deepEqual(cut.texts, [], path)
    }
  }))

test('the page speaks German to a German browser, and switches', () =>
  withPage({}, { locale: 'de-DE' }, async ({ page }) => {
    await page.getByRole('button', { name: 'Anmelden', exact: true }).waitFor()
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'de')
    await page.getByRole('button', { name: 'Menü' }).click()
    await page.getByLabel('Sprache').selectOption('en')
    await page.getByRole('button', { name: 'Login', exact: true }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Login', exact: true }).waitFor()
  }))

test("the organiser's language comes before the browser's", () =>
  withPage({ language: 'de' }, {}, ({ page }) =>
    page.getByRole('button', { name: 'Anmelden', exact: true }).waitFor(),
  ))

test('dark and light follow the system, and the switch', () =>
  withPage({ accent: '#aa00ff' }, { who: 'p1', path: '/challenges', colorScheme: 'dark' }, async ({ page }) => {
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
    await page.locator('.card').first().waitFor()
    assert.equal(await theme(), 'dark')
    await page.getByRole('button', { name: /Menu/ }).click()
    await page.getByLabel('Appearance').selectOption('light')
    assert.equal(await theme(), 'light')
    const accent = await page.evaluate(() => document.documentElement.style.getPropertyValue('--accent'))
    assert.equal(accent, '#aa00ff')
    await page.reload()
    assert.equal(await theme(), 'light')
  }))

test('after a lost connection only the gap is asked for, and nothing counts twice', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    solve(server, 1, 3)
    await until(async () => (await score(page)).startsWith('20 '), 'the solve')
    const before = server.world.seq
    server.world.calls.length = 0
    server.drop()
    solve(server, 1, 1) /* nobody hears it */
    await live(page)
    await until(async () => (await score(page)).startsWith('70 '), 'the solve of the gap')
    assert.deepEqual(
      server.world.calls.filter((call) => /STREAM|scoreboard/.test(call)),
      [`STREAM since=${before}`],
    )
    server.send(server.world.events) /* everything once more */
    solve(server, 2, 3)
    await page.getByRole('button', { name: 'Scoreboard' }).click()
    await page.locator('.list-line', { hasText: 'CryptoCats' }).getByText('20', { exact: true }).waitFor()
    assert.ok((await score(page)).startsWith('70 '))
  }))

test('an event that is lost on the way is found by a new snapshot', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    const { send } = server
    server.send = () => undefined
    solve(server, 1, 3)
    server.send = send
    solve(server, 1, 1)
    await until(async () => (await score(page)).startsWith('70 '), 'both solves')
    assert.equal(server.world.calls.filter((call) => call.includes('scoreboard')).length, 2)
  }))

test('told to resync, the page loads the snapshot and goes on', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    server.world.players[0].score = 500
    server.send([{ type: 'system', event: 'resync', ts: Date.now() }])
    await until(async () => (await score(page)).startsWith('500 '), 'the snapshot')
  }))

test('a snapshot that lacks what the stream does not send again is loaded until it does not', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    const snapshots = () => server.world.calls.filter((call) => call.includes('scoreboard')).length
    await live(page)
    server.send([{ type: 'system', event: 'resync', seq: server.world.seq + 1, ts: Date.now() }])
    await until(() => snapshots() >= 4, 'again and again')
    server.send = () => undefined
    solve(server, 1, 3)
    await until(async () => (await score(page)).startsWith('20 '), 'the event')
  }))

test('a refused stream token is renewed, an ended session is said', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    server.world.answers.set('STREAM', true)
    server.drop()
    await until(() => server.world.calls.filter((call) => call === 'GET /api/me').length >= 2, 'a new token')
    server.world.sessions.clear()
    await page.getByText('Your session has ended').waitFor()
    assert.equal(new URL(page.url()).pathname, '/challenges')
    server.world.answers.delete('STREAM')
    await logIn(page, 'p1', 'secret')
    await page.locator('.card').first().waitFor()
    await live(page)
  }))

test('a reset logs out with a sentence', () =>
  withPage({}, { path: '/scoreboard', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    server.reset()
    await page.getByText('have reset the game').waitFor()
    await page.getByPlaceholder('Username').waitFor()
  }))

test('offline is said, and ends by itself', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, context }) => {
    await live(page)
    await context.setOffline(true)
    await page.locator('.stream-state[data-state=offline]').waitFor()
    await context.setOffline(false)
    await live(page)
  }))

test('a hidden page, whose timers the browser slows down, keeps its stream; after a sleep it takes a new one', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    const { world } = server
    const pings = () => world.heard.filter((text) => text === 'ping').length
    const streams = () => world.calls.filter((call) => call.startsWith('STREAM')).length
    await page.clock.install()
    await page.reload()
    await live(page)
    const before = streams()
    await page.evaluate(() => Object.defineProperty(document, 'hidden', { get: () => true, configurable: true }))
    for (let minute = 1; minute <= 3; minute += 1) {
      await page.clock.fastForward(80_000) /* what was due in it comes once, at its end */
      await until(() => pings() === minute, 'a sign of life, once a minute')
    }
    assert.equal(streams(), before)
    await page.evaluate(() => delete document.hidden)
    await page.clock.fastForward(31_000)
    await until(() => pings() === 4, 'the beat after it was looked at again')
    await page.clock.fastForward(80_000)
    await until(() => streams() === before + 1, 'a new stream after a sleep')
  }))

test('a solve on another device opens what it unlocks', () =>
  withPage({}, { path: '/challenges', who: 'p1' }, async ({ page, server }) => {
    await live(page)
    await page.locator('.card[data-state=locked]', { hasText: 'Locked away' }).waitFor()
    solve(server, 1, 1, { reload: 'true' })
    await page.locator('.card[data-state=open]', { hasText: 'Locked away' }).waitFor()
  }))

test('less motion means no confetti', () =>
  withPage({}, { path: '/challenge/1', who: 'p1', reducedMotion: 'reduce' }, async ({ page }) => {
    await page.getByPlaceholder('Enter FLAG text here').fill('flag{1}')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('Challenge Solved!').waitFor()
    const drawn = await page.evaluate(() => {
      const sheet = document.querySelector('.confetti')
      return sheet.width === innerWidth
    })
    assert.equal(drawn, false)
  }))

test("the room's screen takes a token, shows first bloods and a clock, and survives a reset", () =>
  withPage(
    { displayToken: 'tok', endsTs: Date.now() + 90_000 },
    { path: '/board', viewport: { width: 1920, height: 1080 } },
    async ({ page, server }) => {
      addPlayers(server.world, 40)
      solve(server, 1, 3)
      await page.getByLabel('Display token').fill('tok')
      await page.getByRole('button', { name: 'Show' }).click()
      await live(page)
      await until(async () => (await page.locator('.room-row').count()) === 20, 'twenty rows')
      await page.locator('.room-solve', { hasText: 'Ada' }).waitFor()
      await page.getByText('Ends in').waitFor()
      assert.ok(!page.url().includes('tok'))
      const box = await page.locator('.room-row').last().boundingBox()
      assert.ok(box.y + box.height <= 1080, 'all twenty fit on the screen')
      solve(server, 3, 1)
      const event = page.locator('.first-blood')
      await event.waitFor()
      assert.match((await event.textContent()) ?? '', /nightowl.*Warm up/)
      happen(server, { type: 'score', user_id: 3, challenge_id: 2, challenge: 'x', points: 9000, place: 2 })
      await until(
        async () => (await page.locator('.room-row').first().textContent())?.includes('nightowl'),
        'the new first',
      )
      await page.locator('.room-row').first().locator('.room-move .icon').waitFor()
      server.world.events.length = 0
      server.reset()
      await live(page)
      await page.locator('.room-row').first().waitFor()
    },
  ))

test('code is coloured, and a text has headings below those of the screen', () =>
  withPage({}, { path: '/challenge/1', who: 'p1' }, async ({ page }) => {
    await page.locator('.hljs-string').first().waitFor()
    const colour = (selector) =>
      page.locator(selector).first().evaluate((node) => getComputedStyle(node).color)
    assert.notEqual(await colour('.hljs-string'), await colour('.hljs'))
    const heading = page.getByRole('heading', { name: 'A heading', level: 2 })
    await heading.waitFor()
    assert.ok(Number.parseFloat(await heading.evaluate((node) => getComputedStyle(node).fontSize)) > 17)
  }))

test('the graph shows whoever is added, and zooms', () =>
  withPage({}, { path: '/scoreboard', who: 'p1' }, async ({ page, server }) => {
    addPlayers(server.world, 30)
    solve(server, 1, 3)
    await page.reload()
    await page.locator('.plot canvas').waitFor()
    await page.getByLabel('Add a player').fill('Player 34')
    await page.getByRole('button', { name: 'Player 34' }).first().click()
    await page.locator('.legend button', { hasText: 'Player 34' }).waitFor()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.getByRole('button', { name: 'Whole game' }).click()
    await page.locator('.legend-entry').first().click()
    await page.getByRole('button', { name: 'Remove Player 34' }).click()
    await page.locator('.legend button', { hasText: 'Player 34' }).waitFor({ state: 'detached' })
  }))
