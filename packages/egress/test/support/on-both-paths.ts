import { describe } from 'vitest'
import {
  createGuardedFetch,
  createOauthFetch,
  type GuardedAnswer,
  type GuardedFetch,
  type GuardedFetchOptions,
  type GuardedRequestInit,
} from '../../src/index.ts'

/** What the suites use of an answer, whichever way it came. */
export interface Asked extends Pick<Response, 'status' | 'statusText' | 'url' | 'redirected' | 'text' | 'bytes'> {
  readonly headers: Pick<Headers, 'get'>
  readonly body: ReadableStream<Uint8Array> | null
}

/** One way to a guard's answers. */
export interface Asking extends AsyncDisposable {
  (url: string, init?: GuardedRequestInit): Promise<Asked>
  close(): Promise<void>
}

/** Makes guards that are asked one way. */
export interface Path {
  name: string
  create(options?: GuardedFetchOptions): Asking
  createOauth(options?: GuardedFetchOptions): Asking
}

const paths: readonly Path[] = [
  {
    name: 'by fetch',
    create: (options) => byFetch(createGuardedFetch(options)),
    createOauth: (options) => byFetch(createOauthFetch(options)),
  },
  {
    name: 'by request',
    create: (options) => byRequest(createGuardedFetch(options)),
    createOauth: (options) => byRequest(createOauthFetch(options)),
  },
]

/** Runs a suite on both ways to a guard's answers: every rule holds on both. */
export function onBothPaths(suite: (path: Path) => void): void {
  describe.each(paths)('$name', suite)
}

function byFetch(guarded: GuardedFetch): Asking {
  const ask = async (url: string, init?: GuardedRequestInit): Promise<Asked> => guarded(url, init as RequestInit)
  return Object.assign(ask, closing(guarded))
}

function byRequest(guarded: GuardedFetch): Asking {
  const ask = async (url: string, init?: GuardedRequestInit): Promise<Asked> =>
    toAsked(await guarded.request(url, init))
  return Object.assign(ask, closing(guarded))
}

function closing(guarded: GuardedFetch): Pick<Asking, 'close' | typeof Symbol.asyncDispose> {
  return { close: () => guarded.close(), [Symbol.asyncDispose]: () => guarded.close() }
}

function toAsked(answer: GuardedAnswer): Asked {
  const { status, statusText, url, redirected } = answer
  return {
    ...{ status, statusText, url, redirected },
    headers: { get: (name) => answer.header(name) },
    bytes: () => answer.bytes(),
    text: async () => new TextDecoder().decode(await answer.bytes()),
    get body() {
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const chunk = await answer.read()
            if (chunk === undefined) controller.close()
            else controller.enqueue(chunk)
          },
          cancel: () => answer.discard(),
        },
        { highWaterMark: 0 },
      )
    },
  }
}
