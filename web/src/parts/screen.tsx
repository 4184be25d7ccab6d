/* SPDX-License-Identifier: MIT */
/* The frame of a screen: its title in the tab, its heading, and the focus that moves there after a step. */
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { game } from '../session'

let steps = 0

export function Screen(props: {
  title: string
  aside?: ComponentChildren
  before?: ComponentChildren
  narrow?: boolean
  children: ComponentChildren
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => {
    if (steps > 0) heading.current?.focus({ preventScroll: true })
    steps += 1
  }, [])
  useEffect(() => {
    document.title = `${props.title} · ${game.value?.name ?? 'ctfg'}`
  }, [props.title])
  return (
    <div class={props.narrow === true ? 'mx-auto max-w-prose' : ''}>
      {props.before}
      <div class="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-2">
        <h1 ref={heading} tabIndex={-1} class="screen-title" dir="auto">
          {props.title}
        </h1>
        {props.aside}
      </div>
      {props.children}
    </div>
  )
}
