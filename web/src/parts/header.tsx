/* SPDX-License-Identifier: MIT */
/* The top of every player's screen: whose game it is, where to go, whether it is live, who you are. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { formatNumber, formatPoints } from '../clock'
import { chooseLanguage, language, languages, words, type Language } from '../i18n'
import { navigate, paths, route } from '../route'
import { game, me, myPlace, myScore, phase, signOut } from '../session'
import { chooseTheme, themeChoice, themeChoices, type ThemeChoice } from '../theme'
import { commonFailure, Failure } from './failure'
import { Icon } from './icons'
import { StreamState } from './stream_state'

export function GameName() {
  const logo = game.value?.logo ?? null
  return (
    <span class="flex min-w-0 items-center gap-2.5">
      {logo !== null && <img src={logo} alt="" class="h-8 w-auto max-w-24 rounded" />}
      <span class="truncate font-semibold tracking-tight">{game.value?.name ?? 'ctfg'}</span>
    </span>
  )
}

function NavButton(props: { path: string; label: string; current: boolean }) {
  return (
    <button
      type="button"
      class="nav-button"
      aria-current={props.current ? 'page' : undefined}
      onClick={() => navigate(props.path)}
    >
      {props.label}
    </button>
  )
}

export function Preferences() {
  const t = words.value.nav
  return (
    <div class="grid gap-3">
      <label class="grid gap-1 text-sm">
        <span class="text-soft">{t.theme}</span>
        <select
          class="field"
          value={themeChoice.value}
          onChange={(event) => chooseTheme(event.currentTarget.value as ThemeChoice)}
        >
          {themeChoices.map((choice) => (
            <option key={choice} value={choice}>
              {t.themes[choice]}
            </option>
          ))}
        </select>
      </label>
      <label class="grid gap-1 text-sm">
        <span class="text-soft">{t.language}</span>
        <select
          class="field"
          value={language.value}
          onChange={(event) => chooseLanguage(event.currentTarget.value as Language)}
        >
          {Object.entries(languages).map(([tag, { name }]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

function MenuItems(props: { close: () => void }) {
  const t = words.value.nav
  const who = me.value
  const [failure, setFailure] = useState<string | null>(null)
  async function leave(): Promise<void> {
    setFailure(null)
    setFailure(commonFailure(await signOut(), words.peek()))
  }
  function go(path: string): void {
    props.close()
    navigate(path)
  }
  return (
    <>
      {who !== null && (
        <div class="grid">
          <button type="button" class="menu-item" onClick={() => go(paths.player(who.userId))}>
            {t.me}
          </button>
          <button type="button" class="menu-item" onClick={() => go(paths.name)}>
            {t.rename}
          </button>
        </div>
      )}
      <div class="border-t border-line px-3 pb-2 pt-3">
        <Preferences />
      </div>
      {who !== null && (
        <div class="grid border-t border-line pt-1">
          <button type="button" class="menu-item" onClick={() => void leave()}>
            {t.logout}
          </button>
          <Failure text={failure} />
        </div>
      )}
    </>
  )
}

function Menu() {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  function close(): void {
    setOpen(false)
    button.current?.focus()
  }
  useEffect(() => {
    if (!open) return
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') close()
    }
    const onAway = (event: Event): void => {
      if (event.target instanceof Node && box.current?.contains(event.target) !== true)
        setOpen(false)
    }
    addEventListener('keydown', onKey)
    addEventListener('pointerdown', onAway)
    addEventListener('focusin', onAway)
    return () => {
      removeEventListener('keydown', onKey)
      removeEventListener('pointerdown', onAway)
      removeEventListener('focusin', onAway)
    }
  }, [open])
  const who = me.value
  return (
    <div class="relative" ref={box}>
      <button
        type="button"
        ref={button}
        class="nav-button flex max-w-40 items-center gap-2"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="menu" />
        <span class="sr-only">{words.value.nav.menu}: </span>
        <bdi class="hidden truncate sm:block">
          {who === null ? words.value.nav.menu : (who.displayname ?? who.username)}
        </bdi>
      </button>
      {open && (
        <div class="menu">
          <MenuItems close={close} />
        </div>
      )}
    </div>
  )
}

function MyScore() {
  const place = myPlace.value
  const score = formatNumber.value(myScore.value)
  const points = formatPoints.value(myScore.value)
  const t = words.value
  return (
    <span class="my-score" data-testid="my-score">
      <span class="sr-only">
        {place === null ? points : t.nav.score(points, t.common.place(place))}
      </span>
      <span aria-hidden="true" class="font-semibold tabular-nums">
        {score}
      </span>
      {place !== null && (
        <span aria-hidden="true" class="hidden text-soft xs:inline">
          #{place}
        </span>
      )}
    </span>
  )
}

export function Header() {
  const t = words.value.nav
  const { screen } = route.value
  const player = phase.value === 'player' && me.value?.needsName === false
  const board = player || game.value?.boardPublic === true
  return (
    <header class="header">
      <div class="header-inner">
        <a
          class="min-w-0 flex-1 basis-32 text-ink no-underline md:flex-none md:max-w-[45%]"
          href={player ? paths.challenges : '/'}
        >
          <GameName />
        </a>
        {board && (
          <nav aria-label={t.label} class="header-nav">
            {player ? (
              <NavButton
                path={paths.challenges}
                label={t.challenges}
                current={screen === 'challenges' || screen === 'challenge'}
              />
            ) : (
              <NavButton path="/" label={words.value.login.title} current={screen === 'home'} />
            )}
            <NavButton
              path={paths.scoreboard}
              label={t.scoreboard}
              current={screen === 'scoreboard' || screen === 'player'}
            />
          </nav>
        )}
        <div class="header-end">
          {board && <StreamState />}
          {player && <MyScore />}
          <Menu />
        </div>
      </div>
    </header>
  )
}
