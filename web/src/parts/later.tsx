/* SPDX-License-Identifier: MIT */
/* The watching screens, once their file has arrived; it is fetched ahead as soon as nothing else is to do. */
import { signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { words } from '../i18n'

type Watch = typeof import('../views/watch')

const watch = signal<Watch | null>(null)
const failed = signal(false)

async function load(): Promise<void> {
  if (watch.value !== null) return
  failed.value = false
  try {
    watch.value = await import('../views/watch')
  } catch {
    failed.value = true
  }
}

const AHEAD_MS = 3000

/* For players who are busy with something else: the scoreboard will then open at once. */
export function useAhead(): void {
  useEffect(() => {
    const timer = setTimeout(() => void load(), AHEAD_MS)
    return () => clearTimeout(timer)
  }, [])
}

export function Later(props: { show: (views: Watch) => VNode }) {
  useEffect(() => void load(), [])
  const t = words.value.common
  if (watch.value !== null) return props.show(watch.value)
  if (!failed.value) return <p class="p-8 text-center text-soft">{t.loading}</p>
  return (
    <div class="note note-bad" role="alert">
      <p>{t.away}</p>
      <button type="button" class="button mt-3" onClick={() => void load()}>
        {t.retry}
      </button>
    </div>
  )
}
