import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { isJsonObject } from '../protocol/json.ts'
import { parseArguments } from './parse-arguments.ts'
import type { ParsedToolCall, ToolCallForm } from './provider-format.ts'
import { readJsonText } from './read-json-text.ts'

/** A call as it stands in a provider's object, nothing checked yet. */
export interface RawCall {
  id: unknown
  name: unknown
  args: unknown
  form: ToolCallForm
}

/** The member of a message that holds its calls: the raw APIs' name, or that of Mistral's package. */
export type CallList = 'tool_calls' | 'toolCalls'

/** What tells one provider's calls from everything else. */
export interface CallReader {
  /** For error messages. */
  readonly provider: string
  /** An id for a call that has none. @default `call_<uuid>` */
  readonly newId?: () => string
  /** The values of `type` that mark its calls. Objects of any other type are passed over. */
  readonly callTypes: ReadonlySet<string>
  /** Reads an object that has such a `type` or none; undefined when it is no call of this provider. */
  readCall(object: Record<string, unknown>, list: CallList | undefined): RawCall | undefined
}

/**
 * Finds the calls in a call, a list, a message, a whole response, or JSON text of any of these, in order.
 * @throws AtpError `invalid_request`, see `ProviderFormat.parseToolCalls`
 */
export function readCalls(value: unknown, reader: CallReader): ParsedToolCall[] {
  const top = typeof value === 'string' ? readJsonText(value) : value
  if (typeof top !== 'object' || top === null) {
    throw new AtpError(
      'invalid_request',
      `Tool calls must be a call, a list of calls, a response or JSON text of these, not ${describe(top)}`,
    )
  }
  const found: Found = { calls: [], strangers: 0, reader }
  visit(top, found, undefined, 0)
  if (!Array.isArray(top) && found.strangers > 0 && found.strangers === found.calls.length) {
    throw new AtpError('invalid_request', strangerMessage(reader))
  }
  return found.calls
}

interface Found {
  calls: ParsedToolCall[]
  /** How many of the calls belong to another provider, or to none that we know. */
  strangers: number
  reader: CallReader
}

/** Response, choice, message, content: no honest value nests deeper, and a crafted one must not exhaust the stack. */
const maxNesting = 8

/** Marks of calls of all providers: such an object is never mere content, whoever reads it. */
const anyCallType = new Set(['function', 'function_call', 'function.call', 'tool_use', 'tool_call'])

function visit(value: unknown, found: Found, list: CallList | undefined, depth: number): void {
  if (depth > maxNesting) addStranger(value, found, list)
  else if (Array.isArray(value)) for (const item of value) visit(item, found, list, depth + 1)
  else if (typeof value === 'string') visitText(value, found, list, depth)
  else if (isJsonObject(value)) visitObject(value, found, list, depth)
  else addStranger(value, found, list)
}

function visitText(text: string, found: Found, list: CallList | undefined, depth: number): void {
  let value: unknown
  try {
    value = readJsonText(text)
  } catch (error) {
    if (!isAtpError(error)) throw error
  }
  // A text of a text is nobody's form, and following it would let a small input unfold for long.
  if (typeof value === 'object' && value !== null) visit(value, found, list, depth + 1)
  else addStranger(text, found, list)
}

function visitObject(object: Record<string, unknown>, found: Found, list: CallList | undefined, depth: number): void {
  const type = typeof object.type === 'string' ? object.type : undefined
  const isContainer = type === undefined || type === 'message'
  if (isContainer && visitContainer(object, found, depth)) return
  // Any other type is text, reasoning or one of the provider's own tools, whose results are not ours to give.
  const ofProvider = type === undefined || found.reader.callTypes.has(type)
  if (!ofProvider && !anyCallType.has(type)) return
  const raw = readPlainCall(object) ?? (ofProvider ? found.reader.readCall(object, list) : undefined)
  if (raw === undefined) addStranger(object, found, list, !ofProvider || list === undefined)
  else found.calls.push(checkCall(raw, found.reader))
}

/** Returns whether the object is a response, a choice or a message rather than a call. */
function visitContainer(object: Record<string, unknown>, found: Found, depth: number): boolean {
  if (Array.isArray(object.output)) {
    visit(object.output, found, undefined, depth + 1)
    return true
  }
  if (Array.isArray(object.choices)) {
    // Further choices are alternatives to the first: running their calls too would run tools twice.
    if (object.choices.length > 0) visit(object.choices[0], found, undefined, depth + 1)
    return true
  }
  if (isJsonObject(object.message)) {
    visit(object.message, found, undefined, depth + 1)
    return true
  }
  const isMessage = object.type === 'message' || typeof object.role === 'string' || Array.isArray(object.content)
  if (!isMessage && object.tool_calls === undefined && object.toolCalls === undefined) return false
  visitMessage(object, found, depth)
  return true
}

function visitMessage(message: Record<string, unknown>, found: Found, depth: number): void {
  if (Array.isArray(message.content)) visit(message.content, found, undefined, depth + 1)
  for (const list of ['tool_calls', 'toolCalls'] as const) {
    const calls = message[list]
    if (calls !== undefined && calls !== null) visit(calls, found, list, depth + 1)
  }
  // What Chat Completions called a call before there were parallel ones.
  if (isJsonObject(message.function_call)) visit({ function_call: message.function_call }, found, undefined, depth + 1)
}

/** `{function, parameters}`, and `{id, function, arguments}` of early versions: forms that every provider accepts. */
function readPlainCall(object: Record<string, unknown>): RawCall | undefined {
  if (typeof object.function !== 'string') return undefined
  const args = object.parameters ?? object.arguments
  return { id: idOf(object), name: object.function, args, form: 'plain' }
}

function checkCall(raw: RawCall, reader: CallReader): ParsedToolCall {
  const id = readId(raw.id, reader)
  if (typeof raw.name !== 'string' || raw.name === '') {
    const error = 'This tool call could not be read: it has no tool name'
    return { id, name: 'unknown', args: undefined, error, form: raw.form }
  }
  return { id, name: raw.name, ...parseArguments(raw.name, raw.args), form: raw.form }
}

/** What stands in a message's own list of calls is a call, however odd, unless its type says that another made it. */
function addStranger(value: unknown, found: Found, list: CallList | undefined, foreign = list === undefined): void {
  const object = isJsonObject(value) ? value : {}
  if (foreign) found.strangers += 1
  found.calls.push({
    id: readId(idOf(object), found.reader),
    name: typeof object.name === 'string' && object.name !== '' ? object.name : 'unknown',
    args: undefined,
    error: strangerMessage(found.reader),
    form: list === undefined ? 'plain' : list === 'toolCalls' ? 'mistral-sdk' : 'chat',
  })
}

function strangerMessage(reader: CallReader): string {
  return `This is no tool call in a form of provider "${reader.provider}"; name the provider whose model made it`
}

function idOf(object: Record<string, unknown>): unknown {
  return object.call_id ?? object.tool_call_id ?? object.id
}

/** An empty id is kept: the provider looks for exactly the id it gave. */
function readId(id: unknown, { newId }: CallReader): string {
  if (typeof id === 'string') return id
  if (typeof id === 'number') return String(id)
  return newId ? newId() : `call_${crypto.randomUUID()}`
}

function describe(value: unknown): string {
  return value === null ? 'null' : value === undefined ? 'nothing' : `a ${typeof value}`
}
