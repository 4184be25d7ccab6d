/* SPDX-License-Identifier: MIT */
/* A question that must be answered first: the browser's own dialog keeps the focus and hears Escape. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

/* landing: where the focus goes when what opened it is gone; else back to that. */
export function Dialog(props: {
  title: string
  onClose: () => void
  landing?: () => HTMLElement | null
  children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const shown = dialog.current
    const opener = document.activeElement
    shown?.showModal()
    return () => {
      shown?.close()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
      else props.landing?.()?.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        props.onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) props.onClose()
      }}
    >
      <div class="dialog-body">
        <h2 id={titleId} class="section-title mb-4">
          {props.title}
        </h2>
        {props.children}
      </div>
    </dialog>
  )
}
