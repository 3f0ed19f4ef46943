import { storeUnavailable } from '../store-unavailable.ts'
import { sqliteCode } from './busy.ts'

/**
 * Locked by another process for too long (5, 6), read-only (8), a disk that cannot be read or written (10), that is full
 * (13), or whose file is gone (14): it may pass.
 */
const passing = new Set([5, 6, 8, 10, 13, 14])

/** SQLite's error as the store's callers see it: the same for every way a file can be unavailable, or as it is. */
export function toStoreError(error: unknown): unknown {
  const code = sqliteCode(error)
  return code !== undefined && passing.has(code) ? storeUnavailable(error) : error
}

/** Runs something of SQLite, with errors as the store's callers see them. */
export function withStoreErrors<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw toStoreError(error)
  }
}

/** The same for what takes a while. */
export async function withStoreErrorsLater<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw toStoreError(error)
  }
}
