/** One request that is ready to be sent. */
export interface OutboundRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer> | undefined
  /** Names of headers that no other origin may see after a redirect. */
  readonly secretHeaders: readonly string[]
  /** `error` refuses an answer that is a redirect. */
  readonly redirect: 'follow' | 'error'
  /** Whether the URL was written down by who runs this process: only then may it be this machine's own. */
  readonly isLocal: boolean
  readonly signal: AbortSignal
}

/**
 * An answer as it is read here, whoever gave it. Obligation of whoever has it: read the body to the end or discard it.
 */
export interface OutboundAnswer {
  readonly status: number
  readonly statusText: string
  /** Where it came from in the end; empty where the platform does not tell. */
  readonly url: string
  readonly redirected: boolean
  /** The value of a header by its name in lower case, several of them joined by commas; null without it. */
  header(name: string): string | null
  /** The next bytes of the body, or none at its end. One reader, one chunk at a time. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Lets go of the body. */
  discard(): void
}

/**
 * How requests leave. Obligations: what the URL rules forbid fails with `egress_refused` and `details.rule`, and nothing
 * is sent; a redirect that is followed is checked like a first request, and loses credentials at another origin. Bodies
 * have no limits of time and size here: who reads them has.
 */
export interface Outbound {
  send(request: OutboundRequest): Promise<OutboundAnswer>
  /** As {@link send}, for token URLs (rule O10): redirects are never followed. */
  sendForToken(request: OutboundRequest): Promise<OutboundAnswer>
  /** Ends the connections that belong to this. */
  close(): Promise<void>
}
