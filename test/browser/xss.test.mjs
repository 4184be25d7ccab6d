// SPDX-License-Identifier: MIT
// Whatever stands in a challenge, a hint, a welcome or a name, it runs nothing and fetches nothing.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { challenge, makeGame, playerName, playerPassword } from '../lib/game.mjs'
import { Player } from '../lib/player.mjs'
import { startServer } from '../lib/server.mjs'
import { launch, openPage } from './browser.mjs'
import { makeWorld, solve, startDouble } from './double.mjs'
import { players } from './game.mjs'

const attacks = [
  '<script>window.pwned=1</script>',
  '<img src=x onerror="window.pwned=1">',
  '<img src="https://example.org/track.gif">',
  '<svg onload="window.pwned=1"><animate onbegin="window.pwned=1"/></svg>',
  '<a href="javascript:window.pwned=1">click</a>',
  '[click](javascript:window.pwned=1)',
  '[click](data:text/html,<script>window.pwned=1</script>)',
  '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
  '<object data="data:text/html,<script>window.pwned=1</script>"></object>',
  '<form action="https://example.org/"><input name=x><button>go</button></form>',
  '<style>body{display:none}</style>',
  '<p style="position:fixed;inset:0;background:red">over everything</p>',
  '<base href="https://example.org/">',
  '<meta http-equiv="refresh" content="0;url=https://example.org/">',
  '<link rel="stylesheet" href="https://example.org/x.css">',
  '<div id="app" name="app">clobbered</div>',
  '```html\n<script>window.pwned=1</script>\n```',
  '```"><img src=x onerror=window.pwned=1>\ncode\n```',
  '<video src="https://example.org/x.mp4" autoplay></video>',
  '<img srcset="https://example.org/a.png 1x" alt="s">',
  /* Last, since it swallows what follows. */
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.pwned=1&gt;">',
].join('\n\n')
const evilName = '<img src=x onerror=window.pwned=1>'
const rightToLeft = '\u202Eתורן לילה'

let browser
let server
before(async () => {
  browser = await launch()
  const folk = players()
  folk[1].name = evilName
  folk[2].name = rightToLeft
  server = await startDouble(
    makeWorld({
      name: `Game ${evilName}`,
      welcome: attacks,
      boardPublic: true,
      players: folk,
      challenges: [
        {
          id: 1,
          title: evilName,
          category: evilName,
          difficulty: evilName,
          points: 10,
          description: attacks,
          content: attacks,
          testflag: 'flag{1}',
          hints: [{ id: 1, text: attacks, cost: 0 }],
        },
      ],
    }),
  )
  solve(server, 2, 1)
  solve(server, 3, 1)
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

const asPlayer = (who) => (who === null ? [] : [server.cookieFor(who)])

async function isHarmless(path, who, reach) {
  await isHarmlessAt(server.url, path, asPlayer(who), reach)
}

async function isHarmlessAt(base, path, cookies, reach) {
  const { page, context, faults } = await openPage(browser, base + path, { cookies, strangeText: true })
  await reach(page)
  await page.evaluate(() => new Promise((done) => setTimeout(done, 300)))
  for (const link of await page.locator('a:has-text("click")').all()) await link.click()
  const found = await page.evaluate(() => ({
    pwned: window.pwned,
    odd: document.querySelectorAll('main script, iframe, object, base, main style, main form[action], [src^="https:"]').length,
    styled: document.querySelectorAll('.markdown [style], .markdown [onerror], .markdown #app').length,
    clobbered: document.querySelectorAll('#app').length,
    host: location.host,
  }))
  assert.equal(found.pwned, undefined)
  assert.equal(found.odd, 0)
  assert.equal(found.styled, 0)
  assert.equal(found.clobbered, 1)
  assert.equal(found.host, new URL(base).host)
  assert.deepEqual(faults, [])
  await context.close()
}

const reachText = (page) => page.locator('.markdown pre').first().waitFor()

async function reachHint(page) {
  await reachText(page)
  await page.getByRole('button', { name: 'Show hint 1' }).click()
  await page.getByRole('button', { name: 'Show the hint' }).click()
  await page.locator('.hint .markdown pre').first().waitFor()
}

test('an evil welcome text is harmless', () => isHarmless('/', null, reachText))

test('an evil challenge and hint are harmless', () => isHarmless('/challenge/1', 'p1', reachHint))

test('the same texts from a real server and its own policy are harmless', async () => {
  const evil = { title: evilName, category: evilName, difficulty: evilName, description: attacks, content: attacks }
  const real = await startServer({
    game: makeGame({
      challenges: [challenge(1, { ...evil, hints: [{ id: 1, text: attacks, cost: 0 }] })],
      files: { 'ctfg.yaml': `game:\n  welcome: ${JSON.stringify(attacks)}\n` },
    }),
  })
  const player = new Player(real.url, playerName(0), playerPassword(0))
  await player.login()
  const refused = await player.call('POST', '/api/set-name', { body: { name: evilName } })
  assert.equal(refused.status, 400, 'the server takes no such name')
  const named = await player.call('POST', '/api/set-name', { body: { name: 'Mallory' } })
  assert.equal(named.status, 200)
  const [name, value] = player.cookie.split(';')[0].split('=')
  const cookies = [{ name, value, url: real.url }]
  try {
    await isHarmlessAt(real.url, '/', [], reachText)
    await isHarmlessAt(real.url, '/challenges', cookies, (page) => page.locator('.card', { hasText: evilName }).waitFor())
    await isHarmlessAt(real.url, '/challenge/1', cookies, reachHint)
  } finally {
    await real.stop()
  }
})

test('evil titles and names are plain text in the lists', async () => {
  await isHarmless('/challenges', 'p1', (page) => page.getByText(evilName).first().waitFor())
  await isHarmless('/scoreboard', 'p1', async (page) => {
    await page.locator('.list-line').first().waitFor()
    await page.locator('.plot canvas').waitFor()
    await page.getByLabel('Search players').fill('<img')
    await page.locator('.list-line').first().waitFor()
  })
  await isHarmless('/player/2', 'p1', (page) => page.locator('.plot canvas').waitFor())
  await isHarmless('/board', null, (page) => page.locator('.room-solve').first().waitFor())
})

test('a name from right to left stays in its own place', async () => {
  const { page, context } = await openPage(browser, `${server.url}/scoreboard`)
  const row = page.locator('.list-line', { hasText: rightToLeft })
  await row.waitFor()
  assert.equal(await row.locator('bdi').textContent(), rightToLeft)
  const [rank, score] = await Promise.all([
    row.locator('.cell-rank').boundingBox(),
    row.locator('.cell-number').first().boundingBox(),
  ])
  assert.ok(rank.x < score.x)
  await context.close()
})

test('nothing secret is kept in storage or in the address', async () => {
  const { page, context } = await openPage(browser, `${server.url}/scoreboard`, {
    cookies: [server.cookieFor('p1')],
  })
  await page.locator('.list-line').first().waitFor()
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]))
  assert.ok(!/token|session|secret/i.test(kept), kept)
  assert.ok(!/token/.test(page.url()))
  await context.close()
})
