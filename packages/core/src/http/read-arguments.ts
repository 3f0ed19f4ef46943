import { AtpError } from '../errors/atp-error.ts'
import { checkJsonShape, checkMemberNames, isJsonObject, parseJson } from '../protocol/json.ts'
import type { Tool } from '../tool/tool.ts'
import { readForm, toFormArguments } from './form-arguments.ts'
import type { AtpRequest, RequestBody } from './http-messages.ts'
import { announcedLength, readByAnother, refuseEncoding, tooLarge } from './read-bytes.ts'
import { signedCallType } from './signed-call-body.ts'

/** The largest body, in bytes. */
export const maxBodyBytes = 1_048_576

/** A call's arguments and the end user's token that came with them. */
export interface ReadArguments {
  args: unknown
  authToken: string | undefined
}

/**
 * Reads the arguments of a call from a request's body; an empty one stands for none.
 * @throws AtpError `payload_too_large`, `unsupported_media_type`, `invalid_json` or `invalid_params`
 */
export function readArguments(request: AtpRequest, tool: Tool): ReadArguments | Promise<ReadArguments> {
  const value = readValue(request, tool)
  // What the app's parser has read is here: a promise more would cost more than looking at it.
  return value instanceof Promise
    ? value.then((read) => takeToken(read, request, tool))
    : takeToken(value, request, tool)
}

function takeToken(value: unknown, request: AtpRequest, tool: Tool): ReadArguments {
  const authToken = tool.auth === null ? undefined : request.header('x-atp-auth-token') || undefined
  if (!isJsonObject(value) || !Object.hasOwn(value, 'auth_token')) return { args: value, authToken }
  const { auth_token: token, ...args } = value
  if (token !== null && typeof token !== 'string') {
    throw new AtpError('invalid_params', '"auth_token" must be a text')
  }
  return { args, authToken: token || authToken }
}

type MediaType = 'json' | 'form'

function readValue(request: AtpRequest, tool: Tool): unknown {
  const contentType = request.header('content-type')
  const { announced, length } = announcedBody(request)
  if (length !== undefined && length > maxBodyBytes) throw tooLarge(maxBodyBytes)
  // With a body for certain, its type is judged before it is read. A chunked one may be empty.
  if (announced && (length !== undefined || contentType !== undefined)) mediaType(contentType)
  // Asked for in any case: a body that the app's own parser refused must end the call, whatever its headers say.
  const body = request.body()
  if (body === undefined || length === 0) return {}
  if ('parsed' in body) return readParsed(body.parsed, request, tool)
  refuseEncoding(request.header('content-encoding'))
  if (length !== undefined && body.readText !== undefined && mediaType(contentType) === 'json') {
    return readJson(body.readText, length)
  }
  return readUnparsed(body.read, announced, contentType, tool)
}

async function readUnparsed(
  read: Extract<RequestBody, { read: unknown }>['read'],
  announced: boolean,
  contentType: string | undefined,
  tool: Tool,
): Promise<unknown> {
  const bytes = await read(maxBodyBytes)
  if (bytes === undefined) {
    // Running a tool without the arguments that were sent would be worse than not running it.
    if (announced) throw readByAnother()
    return {}
  }
  if (bytes.length > maxBodyBytes) throw tooLarge(maxBodyBytes)
  return readBytes(bytes, contentType, tool)
}

async function readJson(readText: () => Promise<string>, length: number): Promise<unknown> {
  const text = await readText()
  if (text === '') return {}
  if (text.length * 3 > maxBodyBytes && byteLength(text) > maxBodyBytes) throw tooLarge(maxBodyBytes)
  // What is not UTF-8 has become U+FFFD, which takes three bytes. Where three bytes stood, the first of a longer
  // character, it cannot be told from one that was sent.
  // A byte order mark, three bytes as well, has been taken off.
  if (text.includes('\uFFFD') && ![length, length - 3].includes(byteLength(text))) throw notUtf8()
  return parseJson(text)
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

/** What the headers tell of the body; HTTP/2 may tell nothing. */
function announcedBody(request: AtpRequest): { announced: boolean; length: number | undefined } {
  const length = announcedLength(request)
  return { announced: length === undefined ? request.header('transfer-encoding') !== undefined : length !== 0, length }
}

async function readBytes(bytes: Uint8Array, contentType: string | undefined, tool: Tool): Promise<unknown> {
  if (bytes.length === 0) return {}
  if (mediaType(contentType) === 'json') return parseJson(decode(bytes))
  const fields = await readForm(bytes, contentType ?? '')
  refuseJsonAsForm(fields)
  return checked(toFormArguments(fields, tool.inputSchema))
}

/** Rule T11: what the app's own parser read is held to the same rules. */
function readParsed(parsed: unknown, request: AtpRequest, tool: Tool): unknown {
  if (parsed === undefined) return {}
  if (parsed instanceof Uint8Array) {
    if (parsed.length > maxBodyBytes) throw tooLarge(maxBodyBytes)
    return readBytes(parsed, request.header('content-type'), tool)
  }
  const value = checked(parsed)
  // Where the length of the text itself is unknown, the value's own is measured.
  const measured = request.header('content-length') !== undefined && request.header('content-encoding') === undefined
  if (!measured && new TextEncoder().encode(JSON.stringify(value)).length > maxBodyBytes) throw tooLarge(maxBodyBytes)
  if (mediaType(request.header('content-type')) === 'json' || !isJsonObject(value)) return value
  const fields = Object.entries(value)
  refuseJsonAsForm(fields)
  return toFormArguments(fields, tool.inputSchema)
}

function checked(value: unknown): unknown {
  checkJsonShape(value)
  checkMemberNames(value)
  return value
}

function mediaType(contentType: string | undefined): MediaType {
  // By far the most frequent ones.
  if (contentType === 'application/json' || contentType === 'application/json; charset=utf-8') return 'json'
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  const charset = parameters.map(charsetOf).find((each) => each !== undefined)
  const name = type.trim()
  // A signed call of a server is no list of arguments.
  const isJson = /^application\/([\w.+-]+\+)?json$/.test(name) && name !== signedCallType
  const isForm = name === 'application/x-www-form-urlencoded' || name === 'multipart/form-data'
  if (isJson || isForm) {
    if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return isJson ? 'json' : 'form'
    throw new AtpError('unsupported_media_type', `Charset "${charset.slice(0, 40)}" is not supported; send UTF-8`)
  }
  throw new AtpError(
    'unsupported_media_type',
    `${name === '' ? 'A body without a content type' : `Content type "${name.slice(0, 80)}"`} is not supported; send the arguments as application/json`,
  )
}

/** Without an expression: they are slow on texts made for that. */
function charsetOf(parameter: string): string | undefined {
  const equals = parameter.indexOf('=')
  if (equals === -1 || parameter.slice(0, equals).trim() !== 'charset') return undefined
  const value = parameter.slice(equals + 1).trim()
  return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value
}

/** What curl sends when its user forgets the header; as a form it would be one parameter with a strange name. */
function refuseJsonAsForm(fields: readonly (readonly [string, unknown])[]): void {
  if (fields.length === 1 && fields[0]?.[0].trimStart().startsWith('{')) {
    throw new AtpError(
      'unsupported_media_type',
      'The body looks like JSON but came as a form; send the header "Content-Type: application/json"',
    )
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw notUtf8(cause)
  }
}

function notUtf8(cause?: unknown): AtpError {
  return new AtpError('invalid_json', 'The body is not valid UTF-8', { cause })
}
