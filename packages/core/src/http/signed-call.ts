import { AtpError } from '../errors/atp-error.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import { readCallSignature, signatureToleranceMs } from './call-signature.ts'
import type { AtpRequest } from './http-messages.ts'
import type { Mount } from './http-options.ts'
import { announcedLength, bodyTimeoutMs, readByAnother, refuseEncoding, tooLarge } from './read-bytes.ts'
import type { Route } from './routes.ts'
import { SeenIds } from './seen-ids.ts'
import { decodeSignedCall, maxSignedCallBytes, type SignedCallBody, signedCallType } from './signed-call-body.ts'

/**
 * Whether a request claims to be a call that a server signed. Nothing is checked yet: whatever an app decides upon it,
 * the call runs only when its signature is right.
 * @example authorize: (request) => isSignedCall(request) || hasSession(request)
 */
export function isSignedCall(request: AtpRequest): boolean {
  if (request.method !== 'POST') return false
  const contentType = request.header('content-type')
  // Most requests are none, and say so at once.
  if (contentType === undefined || contentType === 'application/json') return false
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === signedCallType
}

/**
 * Ids of signed calls, of the whole process: another mount must not run what one of them ran. A signature of the future
 * holds for twice the tolerance, and its time is checked before the body, which may then come slowly.
 */
const seenIds = new SeenIds(2 * signatureToleranceMs + bodyTimeoutMs)

/**
 * Checks and reads a signed call: its headers, its size, its signature over the bytes as they came, that it was not
 * there before, and that it is for this very route.
 * @throws AtpError `unauthorized`, `payload_too_large`, `unsupported_media_type`, `duplicate_request_id`, `invalid_json`
 * or `invalid_request`
 */
export async function readSignedCall<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
  route: Extract<Route, { kind: 'tool' }>,
): Promise<SignedCallBody> {
  const keys = signingKeys(mount, route.toolkit)
  const signature = readCallSignature(request)
  const bytes = await readBody(request)
  if (!(await mount.signatures.matches(signature, bytes, keys))) {
    throw new AtpError(
      'unauthorized',
      `The signature of the call does not fit: the server signs with the live keys of toolkit "${route.toolkit.appName}", and the apiKey of this app must be one of them`,
    )
  }
  const call = decodeSignedCall(bytes)
  checkRoute(call, signature.id, route)
  if (!seenIds.add(JSON.stringify([route.toolkit.appName, signature.id]))) {
    throw new AtpError(
      'duplicate_request_id',
      `The signed call "${signature.id}" was here before; it does not run again`,
    )
  }
  return call
}

/** @throws AtpError `unauthorized` when there is none */
function signingKeys<Native>({ authorize }: Mount<Native>, toolkit: Toolkit): string[] {
  const named = typeof authorize === 'object' ? authorize.keys : []
  const keys = named.filter((key) => key.startsWith('atp_toolkit_'))
  const own = toolkit.settings.apiKey
  // What an empty text stands for can be derived by everybody.
  if (own) keys.unshift(own)
  if (keys.length > 0) return keys
  throw new AtpError(
    'unauthorized',
    `Toolkit "${toolkit.appName}" has no key to check signed calls with: give it its toolkit key as apiKey`,
  )
}

async function readBody(request: AtpRequest): Promise<Uint8Array> {
  const length = announcedLength(request)
  if (length !== undefined && length > maxSignedCallBytes) throw tooLarge(maxSignedCallBytes)
  const body = request.body()
  if (body === undefined) return new Uint8Array()
  if ('parsed' in body) return parsedBytes(body.parsed)
  refuseEncoding(request.header('content-encoding'))
  const bytes = await body.read(maxSignedCallBytes)
  if (bytes === undefined) throw readByAnother()
  if (bytes.length > maxSignedCallBytes) throw tooLarge(maxSignedCallBytes)
  return bytes
}

/** A parser of the app may have read the bytes; whoever has made a value of them has lost what was signed. */
function parsedBytes(parsed: unknown): Uint8Array {
  if (parsed === undefined) return new Uint8Array()
  if (!(parsed instanceof Uint8Array)) {
    throw new AtpError(
      'unsupported_media_type',
      `A parser of this app has read the signed call, which is checked by its bytes: let it leave ${signedCallType} unread, or mount the routes of ATP before it`,
    )
  }
  if (parsed.length > maxSignedCallBytes) throw tooLarge(maxSignedCallBytes)
  return parsed
}

/** A signature holds for one call on one route: it must not open another one. */
function checkRoute(call: SignedCallBody, id: string, { name, toolkit, tool }: Extract<Route, { kind: 'tool' }>): void {
  if ((call.toolkit !== name && call.toolkit !== toolkit.appName) || call.tool !== tool.name) {
    throw new AtpError(
      'unauthorized',
      `The call is signed for tool "${call.tool}" of toolkit "${call.toolkit}", not for this route`,
    )
  }
  // A call that is sent once more has the same id, and behind it a word of its own.
  const isOwn =
    id === call.callId || (id.startsWith(`${call.callId}.`) && /^[\w-]{1,32}$/.test(id.slice(call.callId.length + 1)))
  if (!isOwn) throw new AtpError('unauthorized', 'The header "webhook-id" is not the id of the signed call')
}
