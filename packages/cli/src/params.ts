import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { isAtpError } from '@atp/core'
import { isJsonObject, parseJson } from '@atp/core/protocol'
import type { CliIo } from './cli-io.ts'
import { UsageError } from './exit-errors.ts'
import { baseFolder } from './settings.ts'

/**
 * Reads the arguments of a call: JSON objects, `@file`, `-` for stdin, and `key=value`; later ones win. A value is JSON
 * where it is valid JSON, else text.
 * @throws UsageError
 */
export async function readParams(
  given: readonly string[],
  io: Pick<CliIo, 'stdin' | 'env' | 'cwd'>,
): Promise<Record<string, unknown>> {
  const members: [string, unknown][] = []
  for (const text of given) {
    if (text === '-') members.push(...readObject(await readText(io.stdin, 'stdin'), 'stdin'))
    else if (text.startsWith('@')) members.push(...(await readFile(text.slice(1), io)))
    else if (/^\s*[{["]/.test(text)) members.push(...readObject(text, 'The JSON of --params'))
    else members.push(readPair(text))
  }
  // Unlike an assignment this takes any name as it is; the server refuses what it must.
  return Object.fromEntries(members)
}

/** Beyond what any server takes, and short of what would fill the memory. */
const maxLength = 4 * 1024 * 1024

async function readFile(name: string, io: Pick<CliIo, 'env' | 'cwd'>): Promise<[string, unknown][]> {
  const path = resolve(baseFolder(io), name)
  try {
    return readObject(await readText(createReadStream(path), path), path)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`Cannot read the params file: ${(error as Error).message}`)
  }
}

/**
 * Reads all of a stream.
 * @throws UsageError that says `what` is too large
 */
export async function readText(source: AsyncIterable<string | Uint8Array>, what: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of source) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    if (text.length > maxLength) throw new UsageError(`${what} is too large: more than ${maxLength} characters`)
  }
  return text + decoder.decode()
}

function readObject(text: string, what: string): [string, unknown][] {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw new UsageError(`${what} cannot be read: ${isAtpError(error) ? error.message : String(error)}`)
  }
  if (isJsonObject(value)) return Object.entries(value)
  throw new UsageError(`${what} must be a JSON object, such as '{"name": "Alice"}'`)
}

function readPair(text: string): [string, unknown] {
  const equals = text.indexOf('=')
  if (equals > 0) return [text.slice(0, equals), readValue(text.slice(equals + 1))]
  throw new UsageError(
    `"${text.slice(0, 80)}" is no parameter: write key=value, a JSON object, @file, or - for stdin (with --params)`,
  )
}

function readValue(text: string): unknown {
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    return text
  }
  // An id of twenty digits is valid JSON, but no number of JavaScript's: as one it would silently be another id.
  const altered =
    typeof value === 'number' && (Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value))
  return altered ? text : value
}
