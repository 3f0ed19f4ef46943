import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { isObject } from './python-json.ts'

/*
 * The frames of the legacy wire as files, `fixtures/frames/NAME.json`, both ways. A text `{name}` stands for a value
 * that differs from case to case: a text that is not empty, or what follows a colon (text, number, boolean, object,
 * array, any). A slot that comes twice has to have one value. A member `name?` may be missing; `...` allows others.
 */

/** What the slots of a frame held. */
export type Slots = Record<string, unknown>

const folder = new URL('../../fixtures/frames/', import.meta.url)
const slotPattern = /^\{(\w+)(?::(\w+))?\}$/

const kinds: Record<string, (value: unknown) => boolean> = {
  filled: (value) => typeof value === 'string' && value !== '',
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  object: isObject,
  array: Array.isArray,
  any: (value) => value !== undefined,
}

/** The names of all frames. */
export function frameNames(): string[] {
  return readdirSync(folder).map((file) => file.replace(/\.json$/, ''))
}

/** A frame to be sent, its slots filled; members with a `?` are left out where no value is given. */
export function fillFrame(name: string, slots: Slots): Record<string, unknown> {
  return fill(readPattern(name), slots) as Record<string, unknown>
}

/** What is wrong with a value, as a list of places, and what the slots held. */
export function compareFrame(name: string, value: unknown): { wrong: string[]; slots: Slots } {
  const slots: Slots = {}
  return { wrong: compare(readPattern(name), value, name, slots), slots }
}

/** Fails unless a value is exactly that frame. @returns what its slots held */
export function expectFrame(name: string, value: unknown): Slots {
  const { wrong, slots } = compareFrame(name, value)
  expect(wrong, `${JSON.stringify(value)} is not the frame ${name}`).toEqual([])
  return slots
}

function readPattern(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
}

function fill(pattern: unknown, slots: Slots): unknown {
  if (Array.isArray(pattern)) return pattern.map((item) => fill(item, slots))
  if (isObject(pattern)) {
    const members = Object.entries(pattern).flatMap(([key, value]) => {
      if (key === '...') return []
      const filled = fill(value, slots)
      return key.endsWith('?') && filled === undefined ? [] : [[key.replace(/\?$/, ''), filled]]
    })
    return Object.fromEntries(members)
  }
  const slot = typeof pattern === 'string' ? slotPattern.exec(pattern) : null
  return slot ? slots[slot[1] as string] : pattern
}

function compare(pattern: unknown, value: unknown, at: string, slots: Slots): string[] {
  const slot = typeof pattern === 'string' ? slotPattern.exec(pattern) : null
  if (slot) return compareSlot(slot[1] as string, slot[2] ?? 'filled', value, at, slots)
  if (Array.isArray(pattern)) {
    if (!Array.isArray(value) || value.length !== pattern.length) return [`${at} is no list of ${pattern.length}`]
    return pattern.flatMap((item, index) => compare(item, value[index], `${at}[${index}]`, slots))
  }
  if (!isObject(pattern)) return Object.is(pattern, value) ? [] : [`${at} is not ${JSON.stringify(pattern)}`]
  if (!isObject(value)) return [`${at} is no object`]
  const wrong: string[] = []
  const known = new Set<string>()
  for (const [key, part] of Object.entries(pattern)) {
    const name = key.replace(/\?$/, '')
    known.add(name)
    if (key === '...' || (key.endsWith('?') && !(name in value))) continue
    wrong.push(...compare(part, value[name], `${at}.${name}`, slots))
  }
  if (!('...' in pattern)) {
    wrong.push(...Object.keys(value).flatMap((key) => (known.has(key) ? [] : [`${at}.${key} does not belong there`])))
  }
  return wrong
}

function compareSlot(name: string, kind: string, value: unknown, at: string, slots: Slots): string[] {
  if (!kinds[kind]?.(value)) return [`${at} is not ${kind}`]
  if (Object.hasOwn(slots, name) && JSON.stringify(slots[name]) !== JSON.stringify(value)) {
    return [`${at} differs from the other {${name}}`]
  }
  slots[name] = value
  return []
}
