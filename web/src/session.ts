/* SPDX-License-Identifier: MIT */
/* Who is here and what they have: the signals that the screens draw, and the actions that change them. */
import { batch, computed, signal } from '@preact/signals'
import {
  api,
  type Answer,
  type Bought,
  type Challenge,
  type Game,
  type Me,
  type Verdict,
} from './api'
import { placeOf, playerById } from './board'
import { measureClock } from './clock'
import type { ScoreEvent } from './events'
import { board, refreshBoard, startLive } from './live'
import { navigate, paths, route } from './route'
import { hearTabs, tellTabs } from './tabs'
import { accentColour } from './theme'

export type Phase = 'starting' | 'away' | 'guest' | 'player'
export type Notice = 'reset' | 'expired' | 'loggedOut'

export const phase = signal<Phase>('starting')
export const game = signal<Game | null>(null)
export const me = signal<Me | null>(null)
export const notice = signal<Notice | null>(null)
export const challenges = signal<readonly Challenge[] | null>(null)
export const challengesFailed = signal(false)
export const triesLeft = signal<number | null>(null)
export const nextTryAt = signal(0) /* performance.now() from which on a guess is taken again */

/* The board knows more of us than /api/me did, once we are on it. */
export const myScore = computed(() => {
  const who = me.value
  if (who === null) return 0
  return playerById(board.value, who.userId)?.score ?? who.score
})
export const myPlace = computed(() =>
  me.value === null ? null : placeOf(board.value, me.value.userId),
)

let stopLive: (() => void) | null = null

export async function loadGame(): Promise<boolean> {
  const askedAt = Date.now()
  const answer = await api.game()
  if (answer.kind !== 'ok') return false
  measureClock(answer.value.serverTs, askedAt, Date.now())
  game.value = answer.value
  accentColour.value = answer.value.accent
  return true
}

/* What becomes of a guest depends on the game, so that is waited for as well. */
export async function loadMe(gameLoaded: Promise<boolean>): Promise<void> {
  const [answer] = await Promise.all([api.me(), gameLoaded])
  if (answer.kind === 'ok') becomePlayer(answer.value)
  else if (answer.kind === 'refused' && answer.status === 401) becomeGuest(null)
  else phase.value = 'away'
}

function takeMe(who: Me): void {
  me.value = who
  takeTries(who.triesLeft, who.retryAfterMs)
}

function takeTries(left: number | null, retryAfterMs: number): void {
  triesLeft.value = left
  nextTryAt.value = retryAfterMs > 0 ? performance.now() + retryAfterMs : 0
}

function becomePlayer(who: Me): void {
  batch(() => {
    if (who.userId !== me.value?.userId) challenges.value = null
    takeMe(who)
    notice.value = null
    phase.value = 'player'
  })
  stopLive?.()
  stopLive = startLive({
    past: 0,
    url: streamUrl,
    onScores,
    onFirst: () => void catchUp(),
    onMissed: () => void loadChallenges(),
    onReset: () => becomeGuest('reset'),
    onRefused: () => void checkSession(),
  })
  void loadChallenges()
}

function becomeGuest(why: Notice | null): void {
  stopLive?.()
  stopLive = null
  batch(() => {
    me.value = null
    challenges.value = null
    notice.value = why
    phase.value = 'guest'
  })
  if (game.value?.boardPublic === true) watchAsGuest()
}

/* An open scoreboard is live without a login, too. */
function watchAsGuest(): void {
  stopLive = startLive({
    past: 0,
    url: async () => {
      const answer = await api.display()
      return answer.kind === 'ok' ? answer.value : null
    },
    onScores: () => undefined,
    onReset: () => undefined,
    onRefused: () => undefined,
  })
}

async function streamUrl(fresh: boolean): Promise<string | null> {
  if (!fresh) return me.value?.websocketUrl ?? null
  const answer = await api.me()
  if (answer.kind === 'ok') {
    stayPlayer(answer.value)
    return answer.value.websocketUrl
  }
  if (answer.kind === 'refused' && answer.status === 401) becomeGuest('expired')
  return null
}

/* The browser's session may have become another player's, by a login in another tab. */
function stayPlayer(who: Me): void {
  if (who.userId === me.value?.userId) takeMe(who)
  else becomePlayer(who)
}

async function checkSession(): Promise<void> {
  const answer = await api.me()
  if (answer.kind === 'ok') stayPlayer(answer.value)
  if (answer.kind === 'refused' && answer.status === 401 && me.value !== null)
    becomeGuest('expired')
}

/* A 401 anywhere means that the session is over: the login says so, and keeps the address. */
function guard<T>(answer: Answer<T>): Answer<T> {
  if (answer.kind === 'refused' && answer.status === 401 && me.value !== null)
    becomeGuest('expired')
  return answer
}

/* Our own solve, here or on another device, may open challenges; others' solves never do. */
function onScores(events: readonly ScoreEvent[]): void {
  const mine = me.value?.userId
  if (events.some((event) => event.userId === mine && (event.kind !== 'other' || event.reload))) {
    void loadChallenges()
  }
}

export async function signIn(username: string, password: string): Promise<Answer<unknown>> {
  const answer = await api.login(username, password)
  if (answer.kind !== 'ok') return answer
  const who = await api.me()
  if (who.kind !== 'ok') return who
  tellTabs()
  becomePlayer(who.value)
  if (who.value.needsName) navigate(paths.name, 'replace')
  else if (route.value.screen === 'home') navigate(paths.challenges, 'replace')
  return answer
}

/* A logout that was refused has not happened: whoever comes to this browser next would be this player. */
export async function signOut(): Promise<Answer<unknown>> {
  const answer = await api.logout()
  if (answer.kind !== 'ok' && !(answer.kind === 'refused' && answer.status === 401)) return answer
  tellTabs()
  becomeGuest('loggedOut')
  navigate('/', 'replace')
  return answer
}

/* Another tab has logged in or out, or chosen a name. */
async function followTabs(): Promise<void> {
  if (phase.value !== 'player' && phase.value !== 'guest') return
  const before = me.value
  await checkSession()
  if (before === null || me.value?.userId !== before.userId) return
  if (me.value.displayname !== before.displayname) showName(me.value)
}

hearTabs(() => void followTabs())

const AGAIN_MS = 4000

let loads = 0
let again: ReturnType<typeof setTimeout> | undefined
let latestLoad = Promise.resolve()

/* Resolves when the list is as new as this call, though a later call may be what brought it. */
export function loadChallenges(): Promise<void> {
  latestLoad = askForChallenges()
  return latestLoad
}

/* Asked after an await, where the compiler believes it cannot have changed. */
function isGuest(): boolean {
  return me.value === null
}

async function askForChallenges(): Promise<void> {
  loads += 1
  const mine = loads
  clearTimeout(again)
  if (me.value === null) return
  const answer = guard(await api.challenges())
  if (isGuest()) return
  if (mine !== loads) return latestLoad /* a later question is on its way */
  challengesFailed.value = answer.kind !== 'ok'
  if (answer.kind === 'ok') challenges.value = answer.value
  else again = setTimeout(() => void loadChallenges(), AGAIN_MS * (0.5 + Math.random()))
}

/* What we solved elsewhere between the first list and the first board is in none of our events. */
async function catchUp(): Promise<void> {
  await latestLoad
  const mine = me.value && playerById(board.value, me.value.userId)
  const listed = challenges.value?.filter((challenge) => challenge.solved).length
  if (mine && listed !== undefined && mine.solves > listed) void loadChallenges()
}

const NAME_TRIES = 8
const TICK_MS = 100

/* A name is no event, and the first board that comes may be a tick older than it. */
async function refreshName({ userId, displayname }: Me): Promise<void> {
  for (let tries = 0; tries < NAME_TRIES; tries += 1) {
    await refreshBoard()
    if (me.value?.userId !== userId || me.value.displayname !== displayname) return
    if (playerById(board.value, userId)?.name === displayname) return
    await new Promise((wake) => setTimeout(wake, TICK_MS * 2 ** tries))
  }
}

function showName(who: Me): void {
  void refreshName(who)
  void loadChallenges() /* descriptions carry the name */
}

export async function chooseName(name: string): Promise<Answer<unknown>> {
  const answer = guard(await api.setName(name))
  if (answer.kind === 'ok' && me.value !== null) {
    me.value = { ...me.value, displayname: name, needsName: false }
    tellTabs()
    showName(me.value)
  }
  return answer
}

export async function submitFlag(id: number, flag: string): Promise<Answer<Verdict>> {
  const answer = guard(await api.submit(id, flag))
  if (answer.kind === 'ok') {
    const verdict = answer.value
    if (verdict.result === 'incorrect') takeTries(verdict.triesLeft, verdict.retryAfterMs)
    else await loadChallenges()
  } else if (answer.kind === 'refused' && answer.status === 429) {
    takeTries(0, answer.retryAfterMs)
  }
  return answer
}

export async function buyHint(id: number, hintId: number): Promise<Answer<Bought>> {
  const answer = guard(await api.buyHint(id, hintId))
  if (answer.kind === 'ok' || (answer.kind === 'refused' && answer.error === 'already_purchased')) {
    await loadChallenges()
  }
  return answer
}
