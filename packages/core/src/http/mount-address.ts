import { AtpError } from '../errors/atp-error.ts'
import type { AtpRequest } from './http-messages.ts'
import type { Mount } from './http-options.ts'

/**
 * Where a mount is reached from outside, without a slash at the end: the option `publicUrl`, else what the request says
 * of itself.
 * @throws AtpError `invalid_request` when the request's Host is no host
 */
export function mountAddress<Native>(mount: Mount<Native>, request: AtpRequest<Native>): string {
  if (mount.publicUrl !== undefined) return mount.publicUrl
  const origin = request.origin()
  // The Host header is the caller's word; only what is a plain origin is written into an answer.
  if (!/^https?:\/\/[^\s/\\?#@]+$/i.test(origin) || !URL.canParse(origin)) {
    throw new AtpError('invalid_request', 'The Host header names no host')
  }
  return `${new URL(origin).origin}${request.basePath}`
}
