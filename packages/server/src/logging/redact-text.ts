import { isErrorCode } from '@atp/core'

/** What stands where a secret stood. */
export const redacted = '[redacted]'

/** Longer texts are cut: a log line is read by people, and every rule below looks at every character. */
export const maxTextLength = 8_192

/**
 * Rule L1 for any text that ends in a log: keys, credentials and encryption keys are replaced, addresses lose their
 * query, fragment and credentials, and control characters that JSON leaves as they are become `\ufffd`, so that no
 * text steers a terminal (rule L3). Texts longer than 8,192 characters are cut.
 */
export function redactText(text: string): string {
  if (text.length > maxTextLength) return redactLong(text)
  return suspicious.test(text) ? redactAll(text) : text
}

/** Whether a member of this name holds a secret: compared without case, `-` and `_`. */
export function isSecretName(name: string): boolean {
  // No secret name is longer; a comparison that costs more than it has to is paid by every log line.
  return name.length <= 32 && secretNames.has(/[-_A-Z]/.test(name) ? name.replace(/[-_]/g, '').toLowerCase() : name)
}

/**
 * `code` is the name of our own error codes and of those of Node and SQL, which a log cannot do without, and of the
 * authorization code of OAuth, which is a credential. What does not look like one of the former counts as the latter.
 */
export function isErrorCodeText(text: string): boolean {
  return (
    isErrorCode(text) || /^(?:E[A-Z0-9]{2,20}|(?:[A-Z][A-Z0-9]{1,11}_){1,6}[A-Z_]{2,40}|[0-9][0-9A-Z]{4})$/.test(text)
  )
}

/** In the spelling that {@link isSecretName} compares: lower case, without `-` and `_`. */
const secretNames: ReadonlySet<string> = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'cookies',
  'setcookie',
  'token',
  'tokens',
  'accesstoken',
  'refreshtoken',
  'authtoken',
  'idtoken',
  'sessiontoken',
  'xatpauthtoken',
  'exchangetoken',
  'secret',
  'secrets',
  'clientsecret',
  'webhooksecret',
  'password',
  'passwd',
  'passphrase',
  'credential',
  'credentials',
  'key',
  'keys',
  'apikey',
  'xapikey',
  'adminkey',
  'llmkey',
  'toolkitkey',
  'privatekey',
  'masterkey',
  'masterkeys',
  'datakey',
  'encryptionkey',
  'encryptionkeys',
  'atpapikey',
  'atpencryptionkeys',
  'databaseurl',
  'atpdatabaseurl',
  'connectionstring',
  'state',
  'codeverifier',
  'codechallenge',
  'authorizationcode',
  // Never logged on purpose (design.md, "a call"); named here for whoever forgets.
  'params',
  'arguments',
  'result',
  'headers',
])

/** Cheap, and true for every text that one of the rules could change. */
const suspicious: RegExp =
  /atp[_%]|whsec|eyJ|:\/\/|[?=@\u007f-\u009f\u2028\u2029]|["']\s*:|bearer|basic|token|secret|passw|passphrase|cookie|authorization|verifier|api[-_]?key|[-_]keys?|[\w+/]{43}/i

/** A key of ours, whole or cut short, also percent-encoded as in an address. */
const ownKeys: RegExp = /atp(?:_|%5f)(?:(?:toolkit|llm|admin)(?:_|%5f)[0-9a-z]+|[a-z]+(?:_|%5f)[0-9a-z]{16,})/gi

/** What follows a scheme of `Authorization` (RFC 9110 section 11.4), or the word that the Python SDK writes for one. */
const credentials: RegExp = /(?<=\b(?:bearer|apikey|basic)(?:\s{1,4}|%20|\+))[^\s"'`,;<>]+/gi

const webhookSecrets: RegExp = /whsec_[0-9a-z+/=_-]+/gi

/** A JSON Web Token, whole or cut short (RFC 7519). */
const webTokens: RegExp = /\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g

/** 32 bytes in base64: what encryption keys are, alone or as `id:base64`. */
const encryptionKeys: RegExp = /(?<![\w+/=-])[\w+/-]{43}=/g

/** What an address has before its host; with a colon in it up to the last `@`, as passwords may hold anything. */
const userinfo: RegExp = /(?<=:\/\/)(?:[^\s"'<>@/?#]*:[^\s"'<>]*@|[^\s"'<>@/?#]*@)/g

/** What an address begins with, absolute or not. */
const addressStart: RegExp = /\b[a-z][a-z0-9+.-]{0,15}:\/\/|(?<![\w.)\]])\//i

/** A quoted value, whole or cut short; also as it stands in JSON that is a text of other JSON, its quotes escaped. */
const quoted: string = String.raw`\\"(?:[^"\\]|\\\\(?:\\[^])?|\\[^"\\])*(?:\\?"|$)|"(?:[^"\\]|\\[^])*(?:"|$)|'[^']*(?:'|$)`

/** `name=value`, `name: value` and `"name":"value"`, as they stand in messages, forms and pieces of JSON. */
const members: RegExp = named(
  String.raw`(?:\b|_)(?:(?:access|refresh|auth|id|session|exchange)[-_]?token|token|secret|password|passwd|passphrase|` +
    String.raw`api[-_]?key|(?:master|private|encryption)[-_]?keys?|code[-_]?verifier)\\?["']?\s*[=:]\s*`,
  String.raw`${quoted}|(?:(?:bearer|apikey|basic)\s+)*[^\s"',;&<>{}]+`,
)

/** Headers whose values may have spaces and several parts: all of the line goes. */
const headers: RegExp = named(
  String.raw`(?:authorization|cookie)\\?["']?\s*[=:]\s*`,
  String.raw`${quoted}|[^\r\n"'\\]+`,
)

/** Names that are too common in prose to be taken for a secret anywhere but in a form or a piece of JSON. */
const formMembers: RegExp = named('(?:^|[?&])(?:code|state|key)=', String.raw`[^\s"'&<>]+`)
const jsonMembers: RegExp = named(String.raw`\\?["'](?:state|key)\\?["']\s*:\s*`, quoted)

/** A name and, behind it, its value: looked at without being passed, because another name may stand in it. */
function named(name: string, value: string): RegExp {
  return new RegExp(`${name}(?=(?<value>${value}))`, 'gi')
}

/** Control characters that JSON does not escape; the other ones it writes as `\n` and so on. */
const controls: RegExp = /[\u007f-\u009f\u2028\u2029]/g

/** A part of a text that goes, and what takes its place. */
interface Span {
  start: number
  end: number
  instead: string
}

/** What goes is the group `value`, or else the match. */
const rules: readonly [pattern: RegExp, instead: string][] = [
  [ownKeys, redacted],
  [credentials, redacted],
  [headers, redacted],
  [members, redacted],
  [formMembers, redacted],
  [jsonMembers, redacted],
  [webhookSecrets, redacted],
  [webTokens, redacted],
  [encryptionKeys, redacted],
]

/** Every rule looks at the text as it came: what one of them takes out could be what another one goes by. */
function redactAll(text: string): string {
  const spans: Span[] = []
  for (const [pattern, instead] of rules) {
    for (const match of text.matchAll(pattern)) {
      const end = match.index + match[0].length
      const value = match.groups?.value
      if (value === undefined) spans.push({ start: match.index, end, instead })
      else spans.push({ start: end, end: end + value.length, instead })
    }
  }
  addAddressSpans(text, spans)
  return (spans.length === 0 ? text : replaceSpans(text, spans)).replace(controls, '\ufffd')
}

/**
 * Addresses lose what may be secret in them. Word by word, and in each only up to where something can be found: a text
 * of nothing but beginnings of addresses would take a rule that looks from each of them to its end half a second.
 */
function addAddressSpans(text: string, spans: Span[]): void {
  for (const { 0: word, index } of text.matchAll(/[^\s"'<>]+/g)) {
    if (!word.includes('/')) continue
    for (const match of word.slice(0, word.lastIndexOf('@') + 1).matchAll(userinfo)) {
      const start = index + match.index
      spans.push({ start, end: start + match[0].length, instead: `${redacted}@` })
    }
    const query = queryOf(word)
    if (query !== undefined) spans.push({ start: index + query, end: index + word.length, instead: '' })
  }
}

/** Where the query or fragment of an address begins. */
function queryOf(word: string): number | undefined {
  const last = Math.max(word.lastIndexOf('?'), word.lastIndexOf('#'))
  const start = addressStart.exec(word.slice(0, last + 1))
  if (!start) return undefined
  const query = word.slice(start.index + start[0].length).search(/[?#]./)
  return query === -1 ? undefined : start.index + start[0].length + query
}

function replaceSpans(text: string, spans: Span[]): string {
  spans.sort((one, other) => one.start - other.start || other.end - one.end)
  let safe = ''
  let from = 0
  let open: Span | undefined
  for (const span of spans) {
    if (open && span.start < open.end) {
      // Two that overlap are one, under the name that hides more.
      if (span.end > open.end) open = { start: open.start, end: span.end, instead: redacted }
      continue
    }
    if (open) {
      safe += text.slice(from, open.start) + open.instead
      from = open.end
    }
    open = span
  }
  return open ? safe + text.slice(from, open.start) + open.instead + text.slice(open.end) : text
}

function redactLong(text: string): string {
  const head = text.slice(0, maxTextLength)
  // What the cut leaves of an address with a password has no "@" any more that would tell.
  const safe = head.replace(/:\/\/[^\s"'<>@/?#]*:[^\s"'<>@]*$/, `://${redacted}`)
  return `${redactAll(safe)}… [${text.length - maxTextLength} more characters]`
}
