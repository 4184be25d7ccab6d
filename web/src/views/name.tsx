/* SPDX-License-Identifier: MIT */
/* Choose or change the display name: the server's rules are checked while typing. */
import { useState } from 'preact/hooks'
import { announce } from '../announce'
import { words } from '../i18n'
import { faultSentence, nameFault, tidyName, translateRefusal } from '../names'
import { commonFailure, Failure } from '../parts/failure'
import { Screen } from '../parts/screen'
import { navigate, paths } from '../route'
import { chooseName, game, me } from '../session'

export function NameView() {
  const t = words.value
  const [typed, setTyped] = useState(me.value?.displayname ?? '')
  const [touched, setTouched] = useState(false)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const rules = game.value?.nameRules ?? { min: 2, max: 30, blocked: [] }
  const fault = nameFault(typed, rules)
  const shownFault = touched && fault !== null ? faultSentence(fault, rules, t) : null

  async function send(event: Event): Promise<void> {
    event.preventDefault()
    setTouched(true)
    if (busy || fault !== null) return
    setBusy(true)
    const answer = await chooseName(tidyName(typed))
    setBusy(false)
    if (answer.kind === 'ok') {
      announce(tidyName(typed))
      navigate(paths.challenges)
      return
    }
    if (answer.kind === 'refused' && answer.status === 409) setFailure(t.name.taken)
    else if (answer.kind === 'refused' && answer.status === 400) {
      setFailure(translateRefusal(answer.error, rules, t))
    } else setFailure(commonFailure(answer, t))
  }

  return (
    <div class="panel mx-auto mt-2 max-w-md p-6 sm:mt-8 sm:p-8">
      <Screen title={t.name.title}>
        <p class="mb-5 text-soft">{t.name.lead}</p>
        <form class="grid gap-4" onSubmit={(event) => void send(event)} noValidate>
          <label class="grid gap-1.5">
            <span class="label">{t.name.label}</span>
            <input
              class="field"
              name="displayname"
              dir="auto"
              autocomplete="nickname"
              spellcheck={false}
              placeholder={t.name.placeholder}
              aria-describedby="name-rules name-fault"
              aria-invalid={shownFault !== null}
              value={typed}
              onInput={(event) => {
                setTyped(event.currentTarget.value)
                setTouched(true)
                setFailure(null)
              }}
            />
          </label>
          <p id="name-rules" class="text-sm text-soft">
            {t.name.rules(rules.min, rules.max)}
          </p>
          <p
            id="name-fault"
            role="status"
            class={`min-h-6 text-sm ${shownFault !== null ? 'text-bad' : 'text-good'}`}
          >
            {shownFault ?? (touched && failure === null ? t.name.good : '')}
          </p>
          <Failure text={failure} />
          <button type="submit" class="button button-main" aria-disabled={busy}>
            {busy ? t.name.busy : t.name.button}
          </button>
        </form>
      </Screen>
    </div>
  )
}
