/* SPDX-License-Identifier: MIT */
/* Which screen is shown: by the address, and by who is here. */
import { announcement } from './announce'
import { words } from './i18n'
import { Header } from './parts/header'
import { Later } from './parts/later'
import { Screen } from './parts/screen'
import { route } from './route'
import { game, me, phase } from './session'
import { start } from './start'
import { ChallengesView } from './views/challenges'
import { ChallengeView } from './views/challenge'
import { LoginView } from './views/login'
import { NameView } from './views/name'

function Away() {
  const t = words.value.common
  return (
    <Screen title={t.awayTitle}>
      <p role="alert" class="note note-bad mb-4">
        {t.away}
      </p>
      <button type="button" class="button" onClick={() => void start()}>
        {t.retry}
      </button>
    </Screen>
  )
}

function Nowhere() {
  const t = words.value.common
  return (
    <Screen title={t.nowhereTitle}>
      <p class="text-soft">{t.nowhere}</p>
    </Screen>
  )
}

/* What is loaded with the first look at a scoreboard. */
function WatchScreen() {
  const where = route.value
  return (
    <Later
      show={({ PlayerView, RoomView, ScoreboardView }) => {
        if (where.screen === 'room') return <RoomView />
        if (where.screen === 'player') return <PlayerView key={where.id} id={where.id} />
        return <ScoreboardView />
      }}
    />
  )
}

/* Everybody may see these when the organiser has opened the scoreboard. */
function GuestScreen() {
  const where = route.value
  if (game.value?.boardPublic === true) {
    if (where.screen === 'scoreboard' || where.screen === 'player') return <WatchScreen />
  }
  return <LoginView />
}

function PlayerScreen() {
  const where = route.value
  if (me.value?.needsName === true) return <NameView />
  switch (where.screen) {
    case 'home':
    case 'challenges':
    case 'room':
      return <ChallengesView />
    case 'challenge':
      return <ChallengeView key={where.id} id={where.id} />
    case 'scoreboard':
    case 'player':
      return <WatchScreen />
    case 'name':
      return <NameView />
    case 'nowhere':
      return <Nowhere />
  }
}

function Content() {
  switch (phase.value) {
    case 'starting':
      return <p class="p-8 text-center text-soft">{words.value.common.loading}</p>
    case 'away':
      return <Away />
    case 'guest':
      return <GuestScreen />
    case 'player':
      return <PlayerScreen />
  }
}

export function App() {
  return (
    <>
      {route.value.screen === 'room' ? (
        <WatchScreen />
      ) : (
        <>
          <a class="skip" href="#main">
            {words.value.common.skip}
          </a>
          <Header />
          <main id="main" tabIndex={-1} class="page">
            <Content />
          </main>
        </>
      )}
      <p role="status" class="sr-only">
        {announcement.value}
      </p>
    </>
  )
}
