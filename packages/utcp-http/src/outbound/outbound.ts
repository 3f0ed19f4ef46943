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
 * How requests leave. Obligations: what the URL rules forbid fails with `egress_refused` and `details.rule`, and nothing
 * is sent; a redirect that is followed is checked like a first request, and loses credentials at another origin. Bodies
 * have no limits of time and size here: who reads them has.
 */
export interface Outbound {
  send(request: OutboundRequest): Promise<Response>
  /** As {@link send}, for token URLs (rule O10): redirects are never followed. */
  sendForToken(request: OutboundRequest): Promise<Response>
  /** Ends the connections that belong to this. */
  close(): Promise<void>
}
