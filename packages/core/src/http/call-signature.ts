import { AtpError } from '../errors/atp-error.ts'
import { equalTexts } from './equal-texts.ts'
import type { AtpRequest } from './http-messages.ts'

/** How far the clock of a server may be from ours, in milliseconds (rule W3). */
export const signatureToleranceMs = 300_000

/** What the headers of a signed call say (Standard Webhooks). */
export interface CallSignature {
  /** `webhook-id`: the id of the call, or that and a suffix where it is sent once more. */
  readonly id: string
  /** `webhook-timestamp` as it came, in seconds. */
  readonly timestamp: string
  /** `webhook-signature`: one of them has to be right. */
  readonly signatures: readonly string[]
}

/**
 * Reads the headers of a signed call, and refuses what no signature could make good.
 * @throws AtpError `unauthorized`
 */
export function readCallSignature(request: AtpRequest): CallSignature {
  const id = headerOf(request, 'webhook-id')
  const timestamp = headerOf(request, 'webhook-timestamp')
  const signatures = headerOf(request, 'webhook-signature').split(' ')
  if (id.length > 256) throw new AtpError('unauthorized', 'The header "webhook-id" is longer than 256 characters')
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new AtpError('unauthorized', 'The header "webhook-timestamp" must be a time in whole seconds since 1970')
  }
  if (Math.abs(Date.now() - Number(timestamp) * 1_000) > signatureToleranceMs) {
    throw new AtpError(
      'unauthorized',
      'The signed call is more than five minutes old, or from the future: check the clocks of the server and of this app',
    )
  }
  return { id, timestamp, signatures }
}

function headerOf(request: AtpRequest, name: string): string {
  const value = request.header(name)
  if (value) return value
  throw new AtpError('unauthorized', `A signed call needs the header "${name}"`)
}

const encoder = new TextEncoder()

/**
 * Checks signatures with what toolkit keys stand for: HKDF-SHA256 of the key, as servers derive it too, so that the key
 * itself never travels. What was derived is kept: it costs as much as several calls.
 */
export class SignatureVerifier {
  readonly #signingKeys = new Map<string, CryptoKey>()

  /** Whether one of the signatures is that of one of the keys over these bytes (rule W3). */
  async matches(
    { id, timestamp, signatures }: CallSignature,
    body: Uint8Array,
    keys: readonly string[],
  ): Promise<boolean> {
    const head = encoder.encode(`${id}.${timestamp}.`)
    const signed = new Uint8Array(head.length + body.length)
    signed.set(head)
    signed.set(body, head.length)
    let matches = false
    for (const key of keys) {
      const mac = await crypto.subtle.sign('HMAC', await this.#signingKey(key), signed)
      // As texts: two texts of Base64 may stand for the same bytes, and only one of them is what was sent.
      const own = `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}`
      for (const signature of signatures) matches = equalTexts(signature, own) || matches
    }
    return matches
  }

  async #signingKey(key: string): Promise<CryptoKey> {
    const known = this.#signingKeys.get(key)
    if (known !== undefined) return known
    // Not the promise is kept: on Workers, one request must not wait for another one's.
    const derived = await deriveSigningKey(key)
    this.#signingKeys.set(key, derived)
    return derived
  }
}

async function deriveSigningKey(key: string): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', encoder.encode(key), 'HKDF', false, ['deriveKey'])
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode('atp-endpoint-v1') },
    base,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  )
}
