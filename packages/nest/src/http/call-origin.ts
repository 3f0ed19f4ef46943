import { AsyncLocalStorage } from 'node:async_hooks'
import type { PlatformRequest, PlatformResponse } from './platform.ts'

/** The HTTP request that a call came with, and its response. */
export interface CallOrigin {
  readonly request: PlatformRequest
  readonly response: PlatformResponse
}

/** Holds the origin of a call while its tool runs; nothing for calls that came over a socket. */
export const callOrigin: AsyncLocalStorage<CallOrigin> = new AsyncLocalStorage()
