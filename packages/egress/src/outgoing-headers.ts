import { AtpError } from '@atp/core'

/** Names in lower case and values, in the order in which they are sent. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** Any form in which headers are given. */
export type HeadersLike = Iterable<readonly [string, string]> | Record<string, string>

/** Set by the connection itself; as in every fetch, a caller's own are left out. */
const framing: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
])

/** Sent unless the caller says otherwise. */
const usual: HeaderList = [
  ['accept', '*/*'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['user-agent', 'atp'],
]

/** Describe a body, and go with it. */
const ofTheBody: ReadonlySet<string> = new Set([
  ...['content-encoding', 'content-language', 'content-location', 'content-type'],
])

/** Rather one harmless header lost on the way to another origin than one key told to it. */
const secretLike = /auth|cookie|credential|key|passw|secret|session|signature|token/

/**
 * Reads the headers of a request. Throws `invalid_request` for a name that is none and for CR, LF or NUL in a value,
 * which other readers of headers cut off in silence.
 */
export function readHeaders(headers: HeadersLike | undefined, contentType: string | undefined): HeaderList {
  const list: (readonly [string, string])[] = []
  for (const [name, value] of pairsOf(headers ?? [])) {
    const header = checkHeader(name, value)
    if (!framing.has(header[0])) list.push(header)
  }
  const has = (name: string): boolean => list.some(([each]) => each === name)
  if (contentType !== undefined && !has('content-type')) list.push(['content-type', contentType])
  for (const header of usual) if (!has(header[0])) list.push(header)
  return list
}

/** Names and values in turn, as connections take them. */
export function flatHeaders(headers: HeaderList): string[] {
  const flat: string[] = []
  for (const [name, value] of headers) flat.push(name, value)
  return flat
}

/** Without what another origin must not see: credentials by any likely name, and those the caller declared. */
export function withoutSecrets(headers: HeaderList, declared: readonly string[]): HeaderList {
  const names = new Set(declared.map((name) => name.toLowerCase()))
  return headers.filter(([name]) => !secretLike.test(name) && !names.has(name))
}

/** Without what describes a body that is not sent on. */
export function withoutBodyHeaders(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => !ofTheBody.has(name))
}

function pairsOf(headers: HeadersLike): Iterable<readonly [string, string]> {
  return Symbol.iterator in headers ? (headers as Iterable<readonly [string, string]>) : Object.entries(headers)
}

function checkHeader(name: string, value: string): [string, string] {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    throw new AtpError('invalid_request', `${JSON.stringify(name)} is not a header name`)
  }
  // Nor what does not fit in one byte, which would be sent as something else.
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw new AtpError('invalid_request', `The value of the header ${name} has characters that headers cannot carry`)
  }
  return [name.toLowerCase(), value]
}
