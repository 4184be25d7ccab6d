/* SPDX-License-Identifier: MIT */
/* Markdown on a screen: filled when its tools have arrived, plain text until then. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { words } from '../i18n'
import { renderMarkdown } from '../text'

export function Markdown(props: { source: string; class?: string }) {
  const host = useRef<HTMLDivElement>(null)
  const [ready, setReady] = useState(false)
  const t = words.value
  useLayoutEffect(() => {
    let current = true
    renderMarkdown(props.source, t).then(
      (nodes) => {
        if (!current) return
        setReady(true)
        host.current?.replaceChildren(nodes)
      },
      () => {
        if (current) host.current?.replaceChildren(props.source)
      },
    )
    return () => {
      current = false
    }
  }, [props.source, t])
  return (
    <div aria-busy={!ready} class={`markdown ${props.class ?? ''}`}>
      {!ready && <div class="skeleton" />}
      <div ref={host} />
    </div>
  )
}
