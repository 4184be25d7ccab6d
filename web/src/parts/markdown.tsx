/* SPDX-License-Identifier: MIT */
/* Markdown on a screen: filled when its tools have arrived, plain text until then. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { words } from '../i18n'
import { renderMarkdown } from '../text'

/* plain: what stands there meanwhile is the text itself, so that nothing below it jumps. */
export function Markdown(props: { source: string; class?: string; plain?: boolean }) {
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
      {!ready &&
        (props.plain === true ? (
          <p class="whitespace-pre-line">{props.source.trim()}</p>
        ) : (
          <div class="skeleton" />
        ))}
      <div ref={host} />
    </div>
  )
}
