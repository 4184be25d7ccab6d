/* SPDX-License-Identifier: MIT */
/* The small pure parts: names, series, styles, colours, filters, movement, catalogues, addresses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.mjs'

const names = await load('names.ts')
const series = await load('series.ts')
const styles = await load('line_styles.ts')
const colours = await load('colour.ts')
const filters = await load('challenges.ts')
const movement = await load('movement.ts')
const { en } = await load('i18n/en.ts')
const { de } = await load('i18n/de.ts')

const rules = { min: 2, max: 30, blocked: ['admin', 'mod', 'root', 'system'] }

test('display names follow the rules of the server', () => {
  const cases = {
    '': 'empty',
    '   ': 'empty',
    a: 'short',
    ' a ': 'short',
    ab: null,
    CryptoCats: null,
    "it's (not) me! #1 @home, -_.?": null,
    ['x'.repeat(4) + 'y'.repeat(4)]: null,
    [`${'ab'.repeat(15)}c`]: 'long',
    naïve: 'chars',
    '<b>x</b>': 'chars',
    aaaaa: 'repetition',
    '.....x': null,
    Modest: null,
    'the mod': 'restricted',
    xADMINx: 'restricted',
    groot: null,
  }
  for (const [name, fault] of Object.entries(cases)) {
    assert.equal(names.nameFault(name, rules), fault, JSON.stringify(name))
  }
})

test('the sentences are those of the server, and are translated back', () => {
  assert.equal(names.faultSentence('empty', rules, en), 'Display name cannot be empty')
  assert.equal(
    names.faultSentence('short', rules, en),
    'Display name must be at least 2 characters',
  )
  assert.equal(names.faultSentence('long', rules, en), 'Display name cannot exceed 30 characters')
  assert.equal(names.faultSentence('chars', rules, en), 'Display name contains invalid characters')
  assert.equal(
    names.faultSentence('restricted', rules, en),
    'Display name contains restricted terms',
  )
  assert.equal(
    names.faultSentence('repetition', rules, en),
    'Display name contains excessive character repetition',
  )
  assert.equal(
    names.translateRefusal('Display name contains restricted terms', rules, de),
    de.name.restricted,
  )
  assert.equal(names.translateRefusal('Something new', rules, de), 'Something new')
})

function sameShape(a, b, path) {
  assert.deepEqual(Object.keys(a).sort(), Object.keys(b).sort(), path)
  for (const key of Object.keys(a)) {
    assert.equal(typeof a[key], typeof b[key], `${path}.${key}`)
    if (typeof a[key] === 'object') sameShape(a[key], b[key], `${path}.${key}`)
    else if (typeof a[key] === 'string') assert.notEqual(b[key], '', `${path}.${key}`)
  }
}

test('every language has every text', () => sameShape(en, de, 'words'))

const event = (id, userId, points, ts) => ({
  kind: 'solve',
  id,
  userId,
  points,
  ts,
  name: `P${userId}`,
  challengeId: 1,
  challenge: 'c',
  place: 1,
  solves: 1,
  reload: false,
})

test('a series takes new events once, and only its own', () => {
  const base = { userId: 1, name: 'P1', score: 10, solves: 1, place: 1, complete: true }
  const start = series.seriesFromHistory({ ...base, events: [event(3, 1, 10, 100)] })
  const more = [
    event(3, 1, 10, 100),
    event(4, 2, 99, 110),
    event(6, 1, -4, 130),
    event(5, 1, 20, 120),
  ]
  const after = series.extendSeries(start, more)
  assert.deepEqual(after.points, [
    [100, 10],
    [120, 30],
    [130, 26],
  ])
  assert.equal(series.extendSeries(after, more), after)
})

test('a shortened history begins at what came before it', () => {
  const history = { userId: 1, name: 'P1', score: 100, solves: 9, place: 1, complete: false }
  const made = series.seriesFromHistory({ ...history, events: [event(3, 1, 10, 100)] })
  assert.equal(series.totalOf(made), 100)
  assert.deepEqual(made.points[0], [99, 90])
})

test('series share one axis, hold their totals and reach up to now', () => {
  const one = {
    userId: 1,
    name: 'a',
    seq: 2,
    points: [
      [2000, 10],
      [4000, 30],
    ],
  }
  const two = { userId: 2, name: 'b', seq: 1, points: [[3000, 5]] }
  assert.deepEqual(series.alignSeries([one, two], 9000), {
    seconds: [1, 2, 3, 4, 9],
    totals: [
      [0, 10, 10, 30, 30],
      [0, 0, 5, 5, 5],
    ],
  })
  assert.deepEqual(series.alignSeries([{ ...one, points: [] }], 9000), {
    seconds: [],
    totals: [[]],
  })
})

test('a line keeps its style while others come and go', () => {
  const first = styles.assignStyles(new Map(), [1, 2, 3])
  const second = styles.assignStyles(first, [3, 4, 1])
  assert.equal(second.get(3), first.get(3))
  assert.equal(second.get(1), first.get(1))
  assert.equal(second.get(4), first.get(2), 'the free style is taken')
  const many = styles.assignStyles(
    new Map(),
    Array.from({ length: 25 }, (_, i) => i),
  )
  assert.equal(new Set([...many.values()].slice(0, 10)).size, 10)
})

test('every line style differs without its colour, and stands out in both themes', () => {
  const shapes = styles.lineStyles.map((style) => `${style.dash.join()}|${style.marker}`)
  assert.equal(new Set(shapes).size, styles.lineStyles.length)
  assert.equal(new Set(styles.lineStyles.map((style) => style.marker)).size, 10)
  for (const { light, dark } of styles.lineStyles) {
    const on = (colour, ground) =>
      colours.contrast(colours.parseColour(colour), colours.parseColour(ground))
    assert.ok(on(light, '#ffffff') >= 3, light)
    assert.ok(on(dark, '#161c23') >= 3, dark)
  }
})

test('whatever the accent, what is written on it and with it can be read', () => {
  const grounds = {
    light: ['#f6f7f9', '#ffffff', '#eef1f4'],
    dark: ['#0e1217', '#161c23', '#1e2630'],
  }
  const accents = [
    '#ff0000',
    '#ffff00',
    '#00ff00',
    '#0000ff',
    '#000000',
    '#ffffff',
    '#808080',
    '#0d7a6f',
  ]
  for (const accent of accents) {
    for (const theme of ['light', 'dark']) {
      const made = colours.accentFor(accent, grounds[theme], theme === 'dark')
      const rgb = Object.fromEntries(
        Object.entries(made).map(([k, v]) => [k, colours.parseColour(v)]),
      )
      assert.ok(
        colours.contrast(rgb.accent, rgb.onAccent) >= 4.5,
        `${accent} ${theme}: on the button`,
      )
      for (const ground of grounds[theme]) {
        const ratio = colours.contrast(rgb.accentInk, colours.parseColour(ground))
        assert.ok(ratio >= 4.5, `${accent} ${theme}: text ${made.accentInk} on ${ground}`)
      }
    }
  }
  assert.equal(colours.accentFor('red', [], false), null)
})

const challenge = (id, more) => ({
  id,
  title: `C${id}`,
  category: 'Web',
  difficulty: 'easy',
  points: 10,
  solved: false,
  locked: false,
  description: '',
  content: '',
  hints: [],
  requirements: [],
  ...more,
})

test('filters combine, and groups keep the order of the file', () => {
  const all = [
    challenge(1, { category: 'Web', title: 'Cookies' }),
    challenge(2, { category: 'Crypto', solved: true }),
    challenge(3, { category: 'Web', difficulty: 'hard', description: 'bake COOKIES' }),
  ]
  const ids = (filter) =>
    filters.filterChallenges(all, { ...filters.noFilter, ...filter }).map((found) => found.id)
  assert.deepEqual(ids({}), [1, 2, 3])
  assert.deepEqual(ids({ text: ' cookie ' }), [1, 3])
  assert.deepEqual(ids({ text: 'cookie', difficulty: 'hard' }), [3])
  assert.deepEqual(ids({ unsolved: true }), [1, 3])
  assert.deepEqual(ids({ category: 'Crypto' }), [2])
  assert.deepEqual(
    filters.groupByCategory(all).map((group) => [group.category, group.challenges.length]),
    [
      ['Web', 2],
      ['Crypto', 1],
    ],
  )
  const opened = filters.newlyOpen(
    [challenge(1), challenge(2, { locked: true })],
    [challenge(1), challenge(2)],
  )
  assert.deepEqual(
    opened.map((found) => found.id),
    [2],
  )
})

test('movement looks back some minutes and keeps no more than that', () => {
  let sightings = []
  for (let minute = 0; minute < 600; minute += 1) {
    const places = new Map([[1, minute < 597 ? 5 : 2]])
    sightings = movement.addSighting(sightings, { atMs: minute * 60_000, places })
  }
  assert.ok(sightings.length <= movement.LOOK_BACK_MS / movement.SIGHTING_EVERY_MS + 1)
  assert.equal(movement.movementOf(sightings, 1, 2), 3)
  assert.equal(movement.movementOf(sightings, 99, 4), 0)
})
