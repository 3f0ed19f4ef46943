import type { CancelSignal } from '../dispatch/cancel-signal.ts'

/**
 * A request as the routes see it: what an adapter answers from its framework's own request.
 * @typeParam Native the framework's own request or context.
 */
export interface AtpRequest<Native = unknown> {
  /** `GET`, `POST`, … in capitals. */
  readonly method: string
  /** What follows the mount, as it came: still percent-encoded, with or without a query, such as `/atp/shop/find`. */
  readonly path: string
  /** What precedes the mount in the same URL, such as `/api`; empty at the root. */
  readonly basePath: string
  /** Scheme, host and port as the client used them, such as `https://example.com`. */
  origin(): string
  /** A header by its lower-case name. */
  header(name: string): string | undefined
  /**
   * Called once for each call that may run, after all checks that need no body. A body that a parser of the app refused
   * is thrown as `bodyError` makes it: then no tool runs.
   */
  body(): RequestBody
  /** Aborts when the client is gone. Read at most once, and only for a call that is about to run. */
  readonly signal?: CancelSignal | undefined
  /** The id the framework gave the request; without one, a new id is made. */
  readonly id?: string | undefined
  /** The framework's own request or context, for `authorize` and `env`. */
  readonly native: Native
}

/** A body that the app's own parser has read already, or the way to read it; undefined when there is none. */
export type RequestBody =
  /** A JSON value, what a form parser made, or the bytes as they came. */
  | { readonly parsed: unknown }
  /**
   * Reads all bytes; undefined when somebody else has read them.
   * @throws AtpError `payload_too_large` above `maxBytes`
   */
  | {
      readonly read: (maxBytes: number) => Promise<Uint8Array | undefined>
      /**
       * Reads a body of a known length as UTF-8, on platforms that read and decode faster in one go. What is not UTF-8
       * becomes U+FFFD.
       */
      readonly readText?: (() => Promise<string>) | undefined
    }
  | undefined

/** What an adapter writes back, as it stands. */
export interface AtpResponse {
  readonly status: number
  /** Lower-case names. `content-length` only where there is no body to count. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON text, or the text of server-sent events as they come; ending the iteration early cancels the call. */
  readonly body: string | AsyncIterable<string> | undefined
}
