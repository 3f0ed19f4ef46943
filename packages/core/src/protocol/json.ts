import { safeParse } from 'secure-json-parse'
import { AtpError } from '../errors/atp-error.ts'

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }

/** A JSON object. */
export type JsonObject = { [key: string]: JsonValue }

/** How deep JSON may be nested, and how many object members and array items it may have in all. */
export interface JsonLimits {
  maxDepth: number
  maxKeys: number
}

/** Rule I1: the shape of what a caller may send, checked before anything recursive touches it. */
export const jsonLimits: JsonLimits = { maxDepth: 64, maxKeys: 10_000 }

/**
 * The shape of results, contexts and registrations. Their size is limited in bytes, and a megabyte of rows has more
 * members than a caller's arguments ever need.
 */
export const answerLimits: JsonLimits = { maxDepth: 64, maxKeys: 1_000_000 }

/**
 * Parses JSON from a peer: refuses `__proto__` and `constructor.prototype` members, nesting deeper than 64 and more
 * than 10,000 object members or array items, unless `limits` says otherwise.
 * @throws AtpError `invalid_json`
 */
export function parseJson(text: string, limits: JsonLimits = jsonLimits): unknown {
  const value = parseUnchecked(text)
  checkParsedShape(text, value, limits)
  return value
}

/**
 * Parses JSON from a peer without looking at its shape. Obligation: `checkParsedShape` comes next.
 * @throws AtpError `invalid_json`
 */
export function parseUnchecked(text: string): unknown {
  const value: unknown = safeParse(text)
  // The library says undefined for malformed and null for dangerous text.
  if (value === undefined || (value === null && text.trim() !== 'null')) throw unsafeOrMalformed(text)
  return value
}

/**
 * Checks depth and member count of an already parsed value.
 * @throws AtpError `invalid_json`
 */
export function checkJsonShape(value: unknown, limits: JsonLimits = jsonLimits): void {
  if (typeof value !== 'object' || value === null) return
  countMembers(value, limits, 1, 0)
}

/**
 * Refuses the members that parsing our own way refuses, in a value that another parser made. Obligation: its depth has
 * been checked.
 * @throws AtpError `invalid_json`
 */
export function checkMemberNames(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (Object.hasOwn(value, '__proto__')) throw dangerousMember()
  for (const key in value) {
    const member: unknown = (value as Record<string, unknown>)[key]
    if (typeof member !== 'object' || member === null) continue
    if (key === 'constructor' && Object.hasOwn(member, 'prototype')) throw dangerousMember()
    checkMemberNames(member)
  }
}

/**
 * Checks depth and member count of a value whose text is at hand. Most frames are too short and too flat to break a limit, and the text
 * tells that faster than a walk through the value.
 * @throws AtpError `invalid_json`
 */
export function checkParsedShape(text: string, value: unknown, limits: JsonLimits): void {
  if (mayExceed(text, limits)) checkJsonShape(value, limits)
}

/** Brackets inside strings only make it say "maybe" too often. */
function mayExceed(text: string, limits: JsonLimits): boolean {
  // A member takes at least two characters.
  if (text.length > limits.maxKeys * 2) return true
  let openers = 0
  for (const opener of '{[') {
    for (let at = text.indexOf(opener); at !== -1; at = text.indexOf(opener, at + 1)) {
      openers += 1
      if (openers > limits.maxDepth) return true
    }
  }
  return false
}

/** Whether a parsed value is a JSON object: not null, not an array. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function countMembers(value: object, limits: JsonLimits, depth: number, count: number): number {
  if (depth > limits.maxDepth) {
    throw new AtpError('invalid_json', `JSON is nested deeper than ${limits.maxDepth} levels`)
  }
  let total = count
  if (Array.isArray(value)) {
    total += value.length
    if (total > limits.maxKeys) throw tooManyMembers(limits)
    for (const item of value) {
      if (typeof item === 'object' && item !== null) total = countMembers(item, limits, depth + 1, total)
    }
    return total
  }
  // An own-key walk without copying: for…in is the fastest way through small objects, and parsed JSON inherits nothing.
  for (const key in value) {
    total += 1
    if (total > limits.maxKeys) throw tooManyMembers(limits)
    const member: unknown = (value as Record<string, unknown>)[key]
    if (typeof member === 'object' && member !== null) total = countMembers(member, limits, depth + 1, total)
  }
  return total
}

function tooManyMembers(limits: JsonLimits): AtpError {
  return new AtpError('invalid_json', `JSON has more than ${limits.maxKeys} members`)
}

function unsafeOrMalformed(text: string): AtpError {
  try {
    JSON.parse(text)
  } catch (error) {
    return new AtpError('invalid_json', `Not valid JSON: ${(error as Error).message.slice(0, 200)}`)
  }
  return dangerousMember()
}

function dangerousMember(): AtpError {
  return new AtpError('invalid_json', 'JSON with a "__proto__" or "constructor.prototype" member is refused')
}
