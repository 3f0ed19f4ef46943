import type { IncomingHttpHeaders } from 'node:http'
import type * as z from 'zod'

/** A call the fake model makes. Arguments given as text go out as they are, for providers whose arguments are text. */
export interface ScriptedCall {
  name: string
  args: Record<string, unknown> | string
}

/** One provider's API, as far as a tool loop needs it. */
export interface ProviderWire {
  /** The path its requests are posted to. */
  readonly path: string
  /** Whether the request carries a key the way this provider wants it. */
  isAuthorized(headers: IncomingHttpHeaders): boolean
  /**
   * The answer to a request: the scripted calls, or a text that quotes the results when the request has them.
   * @throws WireRefusal when the real API would refuse the request
   */
  answer(body: unknown): Record<string, unknown>
  /** An error in this provider's form. */
  toErrorBody(refusal: WireRefusal): Record<string, unknown>
}

/** What a provider answers to a request it does not take. */
export class WireRefusal extends Error {
  readonly status: number
  readonly param: string | null
  readonly code: string | null

  constructor(message: string, options: { status?: number; param?: string | null; code?: string | null } = {}) {
    super(message)
    this.status = options.status ?? 400
    this.param = options.param ?? null
    this.code = options.code ?? null
  }
}

/** What tools may be called. */
export const toolNamePattern: RegExp = /^[a-zA-Z0-9_-]{1,64}$/

/**
 * Reads a request with a schema that knows every member the API has: anything else is refused, as the API does.
 * @throws WireRefusal
 */
export function readRequest<Output>(schema: z.ZodType<Output>, body: unknown, status = 400): Output {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  throw new WireRefusal(`${path}: ${issue?.message ?? 'invalid'}`, { status, param: path })
}

/** What the APIs refuse at the root of a tool's schema; undefined when it is fine. */
export function schemaProblem(schema: Record<string, unknown>): string | undefined {
  const refused = ['oneOf', 'anyOf', 'allOf', 'enum', 'not'].filter((keyword) => keyword in schema)
  if (schema.type !== 'object' || refused.length > 0) {
    return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
  }
  return schema.properties === undefined ? 'In context=(), object schema missing properties.' : undefined
}

/** A model calls only tools it was told of. */
export function checkScript(calls: readonly ScriptedCall[], toolNames: readonly string[]): void {
  const missing = calls.filter((call) => !toolNames.includes(call.name)).map((call) => call.name)
  if (missing.length > 0) throw new WireRefusal(`The script calls tools that were not given: ${missing.join(', ')}`)
}

/** What the model says once it has read the results. */
export function finalText(results: readonly string[]): string {
  return `The tools said: ${results.join(' | ')}`
}

/** A random text of letters and digits, as providers make ids of. */
export function randomId(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return Array.from(bytes, (byte) => alphabet.charAt(byte % alphabet.length)).join('')
}

/** A call's arguments as the text that OpenAI and Mistral send. */
export function argumentText(call: ScriptedCall): string {
  return typeof call.args === 'string' ? call.args : JSON.stringify(call.args)
}
