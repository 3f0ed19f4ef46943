import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { AtpError } from '@atp/core'

/** What a ciphertext is bound to, beside its key: opened anywhere else it is refused (rule V2). */
export type Binding = readonly string[]

/**
 * Encrypts with AES-256-GCM: `v1.<key id>.<base64url of IV, ciphertext and tag>`.
 * @param keyId letters, digits, `-` and `_`
 */
export function seal(key: KeyObject, keyId: string, binding: Binding, plaintext: Uint8Array): string {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagLength })
  cipher.setAAD(additionalData(keyId, binding))
  const body = Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return `${version}.${keyId}.${body.toString('base64url')}`
}

/**
 * Decrypts what {@link seal} gave for the same key and binding.
 * @throws AtpError `vault_unreadable`, the same one for every reason
 */
export function open(key: KeyObject, keyId: string, binding: Binding, sealed: string): Buffer {
  const parts = sealed.split('.')
  const body = Buffer.from(parts[2] ?? '', 'base64url')
  // Node's decoder is lenient: without this, two texts would stand for one ciphertext.
  const canonical = body.toString('base64url') === parts[2]
  if (parts.length !== 3 || parts[0] !== version || parts[1] !== keyId || !canonical) throw vaultUnreadable()
  if (body.length < ivLength + tagLength) throw vaultUnreadable()
  try {
    // With the length said, Node takes no shorter tag: a cut one could be guessed (rule V1).
    const decipher = createDecipheriv(algorithm, key, body.subarray(0, ivLength), { authTagLength: tagLength })
    decipher.setAAD(additionalData(keyId, binding))
    decipher.setAuthTag(body.subarray(-tagLength))
    return Buffer.concat([decipher.update(body.subarray(ivLength, -tagLength)), decipher.final()])
  } catch {
    // The cause is left out: it says nothing but that it did not work.
    throw vaultUnreadable()
  }
}

/** Always this error: which part did not fit helps only those who try. */
export function vaultUnreadable(): AtpError {
  return new AtpError(
    'vault_unreadable',
    'A secret in the vault cannot be read: it was changed or moved, or its key is not among those of ' +
      'ATP_ENCRYPTION_KEYS. See which keys are needed with: atp vault status',
  )
}

const algorithm = 'aes-256-gcm'
const version = 'v1'
const ivLength = 12
const tagLength = 16

/** As JSON, where no two lists of texts look the same. */
function additionalData(keyId: string, binding: Binding): Buffer {
  return Buffer.from(JSON.stringify(['atp-vault', version, keyId, ...binding]))
}
