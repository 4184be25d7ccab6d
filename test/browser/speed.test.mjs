// SPDX-License-Identifier: MIT
// 20,000 rows and 50 events a second: the page stays smooth, and its memory flat.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, openPage, until } from './browser.mjs'
import { addPlayers, makeWorld, solve, startDouble } from './double.mjs'
import { challenges } from './game.mjs'

const PLAYERS = 20_000
const EVENTS_PER_SECOND = 50
/* CTFG_SOAK_S=600 runs the long version: ten minutes. */
const SECONDS = Number(process.env.CTFG_SOAK_S ?? 8)
const FRAMES_MIN = 50
const GROWTH_MAX = 1.5 * 1024 * 1024
const BURST = 500

let browser
let server
before(async () => {
  browser = await launch()
  const world = makeWorld({ challenges })
  addPlayers(world, PLAYERS)
  server = await startDouble(world)
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

/* Events come evenly, each from some player, for so long. */
async function rush(seconds) {
  const start = performance.now()
  for (let sent = 0; sent < seconds * EVENTS_PER_SECOND; sent += 1) {
    solve(server, 1 + Math.floor(Math.random() * PLAYERS), 3, { place: 2 })
    const due = start + ((sent + 1) * 1000) / EVENTS_PER_SECOND
    if (due > performance.now()) await new Promise((wake) => setTimeout(wake, due - performance.now()))
  }
}

/* One event of everybody, so that every row has been replaced once: what grows after that has no end. */
async function touchAll(page) {
  const mine = page.locator('.list-line[data-mine=true]')
  const before = await mine.textContent()
  for (let user = PLAYERS; user >= 1; user -= 1) {
    solve(server, user, 3, { place: 2 })
    if (user % BURST === 0) await new Promise((wake) => setImmediate(wake))
  }
  await until(async () => (await mine.textContent()) !== before, 'my own event, one of the last')
}

async function heapAfterCollection(session) {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize
}

/* Scrolls steadily and counts the frames that were really drawn. */
function countFrames(page, seconds) {
  return page.evaluate(async (forMs) => {
    const box = document.querySelector('.list-body')
    const start = performance.now()
    let frames = 0
    let longest = 0
    let last = start
    for (let now = start; now - start < forMs; ) {
      box.scrollTop += 40
      now = await new Promise(requestAnimationFrame)
      longest = Math.max(longest, now - last)
      last = now
      frames += 1
    }
    return { rate: (frames * 1000) / (performance.now() - start), longest }
  }, seconds * 1000)
}

test(`${PLAYERS} rows and ${EVENTS_PER_SECOND} events a second stay above ${FRAMES_MIN} frames`, async () => {
  const { page, context, faults } = await openPage(browser, `${server.url}/scoreboard`, {
    cookies: [server.cookieFor('p7')],
  })
  const session = await context.newCDPSession(page)
  await page.locator('.list-line').first().waitFor()
  await page.locator('.stream-state[data-state=live]').waitFor()
  assert.ok((await page.locator('.list-line').count()) < 60, 'only the visible rows exist')

  await page.getByLabel('Search players').fill('Player 19999')
  await page.locator('.list-line', { hasText: 'Player 19999' }).waitFor()
  await page.getByRole('button', { name: 'Find me' }).click()
  await page.locator('.list-line[data-mine=true]').waitFor()

  await touchAll(page)
  await Promise.all([rush(2), countFrames(page, 2)]) /* warm */
  const heapBefore = await heapAfterCollection(session)
  const [{ rate, longest }] = await Promise.all([countFrames(page, SECONDS), rush(SECONDS)])
  const heapAfter = await heapAfterCollection(session)
  console.log(
    `# ${rate.toFixed(1)} frames a second, longest ${longest.toFixed(0)} ms, ` +
      `heap ${(heapBefore / 2 ** 20).toFixed(1)} -> ${(heapAfter / 2 ** 20).toFixed(1)} MiB`,
  )
  assert.ok(heapAfter - heapBefore < GROWTH_MAX, `the heap grew by ${heapAfter - heapBefore} bytes`)
  const busy = await machineIsBusy()
  assert.ok(rate >= FRAMES_MIN || busy, `${rate.toFixed(1)} frames a second`)
  await until(async () => (await page.locator('.list-line').count()) > 0, 'rows')
  assert.deepEqual(faults, [])
  await context.close()
})

/* A machine whose own timers are late measures itself, not the page: then an empty page is asked. */
async function machineIsBusy() {
  const { page, context } = await openPage(browser, `${server.url}/`)
  const rate = await page.evaluate(async () => {
    const start = performance.now()
    let frames = 0
    while (performance.now() - start < 2000) {
      await new Promise(requestAnimationFrame)
      frames += 1
    }
    return frames / 2
  })
  await context.close()
  return rate < 57
}
