import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { AtpError } from '@atp/core'

/** A key that wraps data keys. Never in the database. */
export interface MasterKey {
  id: string
  key: KeyObject
}

/** The master keys a process knows. */
export interface MasterKeys {
  /** Wraps new data keys. */
  readonly newest: MasterKey
  /** All of them: each unwraps what it wrapped. */
  readonly byId: ReadonlyMap<string, MasterKey>
}

/**
 * Reads `ATP_ENCRYPTION_KEYS`: `id:base64` entries, separated by commas, spaces or line breaks; the newest first.
 * @throws AtpError `invalid_config` for an entry of another form, an id that comes twice, and a key that is not 32 bytes
 * or does not look random. The message holds nothing of any key.
 */
export function parseMasterKeys(text: string): MasterKeys {
  const byId = new Map<string, MasterKey>()
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '')
  for (const [index, entry] of entries.entries()) {
    const place = `entry ${index + 1} of ${entries.length}`
    const [, id = '', encoded = ''] = entryPattern.exec(entry) ?? []
    // What is not of the right form may be a key without its id, so it is not quoted.
    if (id === '') throw refusal(`${place} is not of the form id:base64`)
    if (byId.has(id)) throw refusal(`the id "${id}" comes twice`)
    const bytes = Buffer.from(encoded, 'base64')
    if (bytes.length !== keyLength) throw refusal(`the key "${id}" is not ${keyLength} bytes`)
    if (isWeak(bytes)) throw refusal(`the key "${id}" is a sample or a text, not ${keyLength} random bytes`)
    byId.set(id, { id, key: createSecretKey(bytes) })
  }
  const [newest] = byId.values()
  if (newest === undefined) throw refusal('there is no key in it')
  return { newest, byId }
}

/** Makes an entry for `ATP_ENCRYPTION_KEYS`, with an id that says the day. */
export function generateMasterKey(now: number = Date.now()): { id: string; entry: string } {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '')
  const id = `k${day}-${randomBytes(3).toString('hex')}`
  let bytes = randomBytes(keyLength)
  while (isWeak(bytes)) bytes = randomBytes(keyLength)
  return { id, entry: `${id}:${bytes.toString('base64')}` }
}

const keyLength = 32
const entryPattern = /^([A-Za-z0-9_-]{1,40}):([A-Za-z0-9+/_-]+={0,2})$/

/**
 * Whether bytes are a sample (zeros, a pattern, a count) or a text of somebody's. Of random bytes, one key in 10^13 is
 * refused by mistake.
 */
function isWeak(bytes: Buffer): boolean {
  const values = [...bytes]
  if (new Set(values).size < 16) return true
  if (values.every((value) => value >= 0x20 && value < 0x7f)) return true
  const steps = new Set(values.slice(1).map((value, index) => (value - (values[index] ?? 0)) & 0xff))
  return steps.size < 8
}

function refusal(reason: string): AtpError {
  return new AtpError(
    'invalid_config',
    `The encryption keys (ATP_ENCRYPTION_KEYS) cannot be used: ${reason}. Make a key with: atp vault generate-key`,
  )
}
