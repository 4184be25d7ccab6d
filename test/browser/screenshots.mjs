// SPDX-License-Identifier: MIT
// screenshots.mjs - makes the pictures of docs/images: the demo game, half-way through an evening,
// on a real server.  Run by `make screenshots`; it asserts nothing.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execute } from '../lib/database.mjs'
import { startServer } from '../lib/server.mjs'
import { launch, logIn, openPage } from './browser.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const images = join(root, 'docs/images')
const challenges = JSON.parse(readFileSync(join(root, 'examples/demo/challenges.json'), 'utf8'))
const names = [
  'CryptoCats', 'Zero Day Club', 'nightowl', 'Bit Flippers', 'h4x0r_7', 'The Quiet Ones', 'Segfault',
  'Ginger Beer', 'Packet Storm', 'Ada L.', 'grace', 'stack_smash', 'Panda', 'Team Rocket',
  'Blue Screen', 'kernel_panic', 'Overflow', 'eve', 'mallory', 'trent', 'peggy', 'Blinkenlights',
]
const MINUTES = 95

/* The same evening every time. */
function seeded(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/* A database of the older engine's shape, which the server takes over: an evening that has a past. */
function writeEvening(path) {
  const random = seeded(20)
  const now = Date.now() * 1000
  const events = []
  names.forEach((_, player) => {
    const skill = 1.25 - player / 26 + random() * 0.35
    const solved = new Set()
    let minute = 1 + random() * 6
    while (minute < MINUTES) {
      const open = challenges.filter(
        (c) => !solved.has(c.id) && (c.requirements ?? []).every((id) => solved.has(id)),
      )
      if (open.length === 0) break
      open.sort((a, b) => a.points - b.points)
      const next = open[Math.floor(random() * Math.min(3, open.length))]
      solved.add(next.id)
      events.push({ minute, player, id: next.id, points: next.points })
      minute += (2 + random() * 5 + next.points / 24) / skill
    }
  })
  events.sort((a, b) => a.minute - b.minute)
  const users = names.map((name, i) => `(${i + 1}, 'player${String(i + 1).padStart(2, '0')}', '${name}')`)
  const rows = events.map(({ minute, player, id, points }) => {
    const ts = Math.round(now - (MINUTES - minute) * 60e6)
    return `(${ts}, ${player + 1}, ${id}, 1, ${points}, NULL)`
  })
  execute(
    path,
    `CREATE TABLE users(id INTEGER PRIMARY KEY, username TEXT UNIQUE, displayname TEXT);
     CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
       challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER,
       CHECK (event_type IN (1,2)), CHECK ((event_type = 2 AND hint_number IS NOT NULL)
         OR (event_type = 1 AND hint_number IS NULL)));
     INSERT INTO users VALUES ${users.join(',')};
     INSERT INTO events(ts, user_id, challenge_id, event_type, points, hint_number) VALUES ${rows.join(',')};`,
  )
}

async function shoot(page, name) {
  await page.evaluate(() => new Promise((done) => setTimeout(done, 900)))
  const path = join(images, `${name}.png`)
  await page.screenshot({ path })
  console.log(`docs/images/${name}.png ${Math.round(statSync(path).size / 1024)} KiB`)
}

const dbdir = mkdtempSync(join(tmpdir(), 'ctfg-shots-'))
writeEvening(join(dbdir, 'events.db'))
mkdirSync(images, { recursive: true })
const server = await startServer({ game: 'demo', dbdir })
const browser = await launch()
try {
  const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'no-preference' }
  const { page, context } = await openPage(browser, server.url, desktop)
  await page.getByPlaceholder('Username').waitFor()
  await shoot(page, 'login')
  await logIn(page, 'player03', 'night-03')
  await page.locator('.card').first().waitFor()
  await shoot(page, 'challenges')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto(`${server.url}/challenge/2`)
  await page.locator('.markdown table').waitFor()
  await shoot(page, 'challenge-dark')

  const room = await openPage(browser, `${server.url}/board`, {
    viewport: { width: 1600, height: 900 },
    colorScheme: 'dark',
  })
  await room.page.locator('.plot canvas').waitFor()
  await shoot(room.page, 'room')

  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto(`${server.url}/challenges`)
  const card = page.locator('.card[data-state=open]').last()
  const title = await card.getByRole('heading').textContent()
  await card.click()
  const challenge = challenges.find((c) => c.title === title)
  await page.getByPlaceholder('Enter FLAG text here').fill(challenge.testflag)
  await page.getByRole('button', { name: 'Submit' }).click()
  await page.getByText('Challenge Solved!').waitFor()
  await page.screenshot({ path: join(images, 'solved.png') })

  await page.getByRole('button', { name: 'Scoreboard' }).click()
  await page.locator('.plot canvas').waitFor()
  await shoot(page, 'scoreboard')

  await page.setViewportSize({ width: 360, height: 740 })
  await page.getByRole('button', { name: 'Challenges' }).click()
  await shoot(page, 'phone')
  await context.close()
} finally {
  await browser.close()
  await server.stop()
  rmSync(dbdir, { recursive: true, force: true })
}
