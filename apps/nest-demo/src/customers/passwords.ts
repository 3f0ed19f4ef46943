import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'

/** A salted hash, as it is kept. */
export function hashPassword(password: string): string {
  const salt = randomBytes(16)
  return `${salt.toString('hex')}:${scryptSync(password, salt, 32).toString('hex')}`
}

/** Whether the password is the one behind the hash. */
export function isPassword(password: string, kept: string): boolean {
  const [salt = '', hash = ''] = kept.split(':')
  return timingSafeEqual(scryptSync(password, Buffer.from(salt, 'hex'), 32), Buffer.from(hash, 'hex'))
}
