/* SPDX-License-Identifier: MIT */
/* The few pictograms of the page.  Words always stand beside them, so they are hidden from readers. */

const shapes = {
  check: 'M3.5 8.5l3 3 6-7',
  lock: 'M4.5 7.5h7v5.5h-7zM6 7.5V5a2 2 0 0 1 4 0v2.5',
  back: 'M9.5 3.5L5 8l4.5 4.5',
  up: 'M8 12V4M4.5 7.5L8 4l3.5 3.5',
  down: 'M8 4v8M4.5 8.5L8 12l3.5-3.5',
  close: 'M4 4l8 8M12 4l-8 8',
  menu: 'M3 4.5h10M3 8h10M3 11.5h10',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3',
  flag: 'M4 14V2.5m0 .8c2.5-1.6 4.5 1.5 8-.1v5.6c-3.5 1.6-5.5-1.5-8 .1',
} as const

export type IconName = keyof typeof shapes

export function Icon(props: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={shapes[props.name]} />
    </svg>
  )
}
