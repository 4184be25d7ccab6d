/* SPDX-License-Identifier: MIT */
/* Sign in.  Whatever goes wrong is said in place, and what was typed stays. */
import { useRef, useState } from 'preact/hooks'
import { words } from '../i18n'
import { commonFailure, Failure } from '../parts/failure'
import { Markdown } from '../parts/markdown'
import { Screen } from '../parts/screen'
import { paths } from '../route'
import { game, notice, signIn } from '../session'

export function LoginView() {
  const t = words.value
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const [visible, setVisible] = useState(false)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const first = useRef<HTMLInputElement>(null)
  const second = useRef<HTMLInputElement>(null)

  async function send(event: Event): Promise<void> {
    event.preventDefault()
    if (busy) return
    if (username.trim() === '' || password === '') {
      setFailure(t.login.empty)
      ;(username.trim() === '' ? first : second).current?.focus()
      return
    }
    setBusy(true)
    setFailure(null)
    const answer = await signIn(username.trim(), password)
    setBusy(false)
    if (answer.kind === 'ok') return
    const wrong = answer.kind === 'refused' && answer.status === 401
    setFailure(wrong ? t.login.wrong : commonFailure(answer, t))
    if (wrong) second.current?.select()
  }

  const welcome = game.value?.welcome ?? ''
  const banner = game.value?.banner ?? null
  return (
    <div class="mx-auto grid max-w-md gap-6 pt-2 sm:pt-8">
      {banner !== null && <img src={banner} alt="" class="w-full rounded-card" />}
      {welcome !== '' && <Markdown source={welcome} class="px-1 text-soft" plain />}
      <div class="panel p-6 sm:p-8">
        {notice.value !== null && (
          <p role="status" class="note note-warn mb-5">
            {t.notices[notice.value]}
          </p>
        )}
        <Screen title={t.login.title}>
          <form class="grid gap-4" onSubmit={(event) => void send(event)} noValidate>
            <label class="grid gap-1.5">
              <span class="label">{t.login.username}</span>
              <input
                ref={first}
                class="field"
                name="username"
                autocomplete="username"
                autocapitalize="none"
                spellcheck={false}
                placeholder={t.login.username}
                aria-describedby="login-failure"
                value={username}
                onInput={(event) => setUsername(event.currentTarget.value)}
              />
            </label>
            <label class="grid gap-1.5">
              <span class="label">{t.login.password}</span>
              <input
                ref={second}
                class="field"
                name="password"
                type={visible ? 'text' : 'password'}
                autocomplete="current-password"
                placeholder={t.login.password}
                aria-describedby="login-failure"
                value={password}
                onInput={(event) => setPassword(event.currentTarget.value)}
              />
            </label>
            <label class="check">
              <input
                type="checkbox"
                checked={visible}
                onChange={(event) => setVisible(event.currentTarget.checked)}
              />
              <span>{t.login.show}</span>
            </label>
            <Failure id="login-failure" text={failure} />
            <button type="submit" class="button button-main" aria-disabled={busy}>
              {busy ? t.login.busy : t.login.button}
            </button>
          </form>
        </Screen>
      </div>
      {game.value?.boardPublic === true && (
        <p class="text-center">
          <a href={paths.scoreboard}>{t.login.board}</a>
        </p>
      )}
    </div>
  )
}
