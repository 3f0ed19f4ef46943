import type { IncomingHttpHeaders } from 'node:http'
import type * as z from 'zod'

export type Json = Record<string, unknown>

/** A call the fake model makes. Arguments given as text go out as they are. */
export interface ScriptedCall {
  name: string
  args: Json | string
}

/** One turn of the fake model. */
export interface ScriptedTurn {
  text?: string
  calls?: readonly ScriptedCall[]
  /** Why it ends, where not because it is done. */
  stop?: 'length' | 'filtered'
  /** After the text nothing follows, and the connection stays open. */
  stalls?: true
  /** After the text the connection breaks. */
  breaks?: true
  /** After the text the provider reports this failure in the stream. */
  fails?: string
  /** An answer other than 200, with this message. */
  refusal?: { status: number; message: string; code?: string }
}

/** One provider's API with streamed answers, as far as an agent needs it. */
export interface StreamWire {
  readonly path: string
  /** Whether the request carries this key the way this provider wants it. */
  carriesKey(headers: IncomingHttpHeaders, key: string): boolean
  /** What the real API would refuse in a request; throws a zod error or a plain one. */
  check(body: Json): void
  /** The texts of all tool results in the conversation, in order. */
  results(body: Json): string[]
  /** The events of a turn as server-sent events; `begun` up to the end of its text, `rest` after it. */
  events(turn: ScriptedTurn, model: string): { begun: string; rest: string }
  /** How a failure in the middle of a stream is told. */
  failure(message: string): string
  errorBody(status: number, message: string, code: string | undefined): Json
}

/** Small pieces, as models stream them; never half a character, that is for the bytes below. */
export function pieces(text: string): string[] {
  return [...text].reduce<string[]>((all, character, index) => {
    if (index % 3 === 0) all.push('')
    all[all.length - 1] += character
    return all
  }, [])
}

export function argumentText({ args }: ScriptedCall): string {
  return typeof args === 'string' ? args : JSON.stringify(args)
}

let made = 0

/** An id of letters and digits, of a length as the provider has it, unlike every other. */
export function nextId(length: number): string {
  made += 1
  return String(made).padStart(length, 'a1B2c3D4e5F6g7H8'.repeat(4)).slice(-length)
}

export function event(name: string | undefined, data: unknown): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
}

/** Every call has one result, after it, and nothing else has one. */
export function checkPairs(asked: readonly string[], answered: readonly string[]): void {
  if (asked.join() === answered.join()) return
  throw new Error(`The calls ${asked.join()} are answered by ${answered.join()}`)
}

export function read<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  return schema.parse(body)
}

/** Tools as no provider refuses them. */
export function checkTools(names: readonly string[]): void {
  if (names.length === 0) throw new Error('An empty list of tools')
  if (new Set(names).size !== names.length) throw new Error('Tool names must be unique')
  for (const name of names) if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) throw new Error(`Tool name ${name}`)
}
