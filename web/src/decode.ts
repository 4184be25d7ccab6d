/* SPDX-License-Identifier: MIT */
/* Reads values of unknown shape, field by field: what is missing or of another type becomes a default. */

export type Fields = Readonly<Record<string, unknown>>

const nothing: Fields = {}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : nothing
}

export function listOf<T>(value: unknown, each: (item: Fields) => T | null): T[] {
  if (!Array.isArray(value)) return []
  const list: T[] = []
  for (const item of value) {
    const made = each(fieldsOf(item))
    if (made !== null) list.push(made)
  }
  return list
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

export function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/* Older servers answer "solved" as true, 1, null or an empty list: only the truth of it counts. */
export function truth(value: unknown): boolean {
  return value !== null && value !== undefined && value !== false && value !== 0 && value !== ''
}
