import { UtcpError } from '@atp/utcp'
import type { OutboundAnswer } from '../outbound/outbound.ts'
import { charsetOf } from './media-type.ts'
import { readBeginning } from './read-body.ts'
import { decodeText } from './read-result.ts'

/** How much of an error's body is read, in bytes. */
const maxBodyBytes = 65_536

/** How much of it goes into the message, in characters. */
const maxDetailLength = 2_000

/** What may work when it is sent again. */
const retryable: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Would break lines of logs, or turn their direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g

/**
 * Makes the error of an answer of status 400 and above: the reason and what the body says of it, `error`, `message` or
 * `detail`, else the body. Obligation: `secrets` are what was sent as credentials, which servers like to repeat.
 * @param what names the request, such as `GET https://api.example.com`
 */
export async function httpError(
  response: OutboundAnswer,
  what: string,
  secrets: readonly string[],
): Promise<UtcpError> {
  const { status, statusText } = response
  const bytes = await readBeginning(response, maxBodyBytes)
  const text = withoutSecrets(decodeText(bytes, charsetOf(response.header('content-type'))), secrets)
  const json = parsed(text)
  const detail = cleanText(detailOf(json) ?? text).slice(0, maxDetailLength)
  const reason = withoutSecrets(cleanText(statusText).slice(0, 100), secrets)
  const message = `${what} answered ${status}${reason === '' ? '' : ` ${reason}`}${detail === '' ? '' : `: ${detail}`}`
  const retryAfterMs = readRetryAfter(response.header('retry-after'))
  return new UtcpError('http_error', message, {
    ...{ status, retryable: retryable.has(status) },
    body: json ?? cleanText(text),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** A text without control characters. */
export function cleanText(text: string): string {
  return text.replace(controls, ' ').trim()
}

/**
 * A text without credentials, as they are and as JSON has them. Shorter ones than four characters would take half of any
 * text with them.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let rest = text
  for (const secret of secrets) {
    if (secret.length < 4) continue
    rest = rest.replaceAll(secret, '***').replaceAll(JSON.stringify(secret).slice(1, -1), '***')
  }
  return rest
}

function detailOf(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null) return typeof json === 'string' ? json : undefined
  const { error, message, detail } = json as Record<string, unknown>
  return [error, message, detail].find((each) => typeof each === 'string' && each !== '') as string | undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}
