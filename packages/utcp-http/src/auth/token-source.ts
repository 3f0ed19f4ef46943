import { type OAuth2Auth, UtcpError } from '@atp/utcp'
import { openDeadline, waitFor } from '../deadline.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { type AccessToken, type ClientAuthentication, requestToken } from './token-request.ts'

/** Rule O10, for one token with all that is tried for it. */
const tokenTimeoutMs = 10_000

/** The most clients whose tokens are kept; the one longest unused goes first. */
const maxEntries = 1_000

interface Entry {
  token?: AccessToken
  /** The one request that all who need this token wait for. */
  pending?: Promise<AccessToken>
  /** What worked, so that the next token takes one request. */
  way: ClientAuthentication
}

/**
 * The access tokens of one protocol by client credentials: one for each token URL, client, secret and scope, fetched once
 * for all who need it at the same time, and used until shortly before its end.
 */
export class TokenSource {
  readonly #outbound: Outbound
  readonly #entries = new Map<string, Entry>()
  readonly #closing = new AbortController()

  constructor(outbound: Outbound) {
    this.#outbound = outbound
  }

  /**
   * A token that is good for now. Giving up waiting does not end the request, which others may wait for.
   * @param isLocal whether the token URL was written down by who runs this process
   * @throws UtcpError `http_error`, `invalid_response`, and what keeps the endpoint from being asked
   */
  async get(auth: OAuth2Auth, isLocal: boolean, signal: AbortSignal): Promise<AccessToken> {
    const entry = this.#entryOf(auth, isLocal)
    if (entry.token !== undefined && entry.token.endsAt > Date.now()) return entry.token
    entry.pending ??= this.#fetch(entry, auth, isLocal)
    return waitFor(entry.pending, signal)
  }

  /** Another token in place of one that was refused; who comes second gets what the first one fetched. */
  async renew(auth: OAuth2Auth, isLocal: boolean, refused: AccessToken, signal: AbortSignal): Promise<AccessToken> {
    const entry = this.#entryOf(auth, isLocal)
    if (entry.token === refused) delete entry.token
    return this.get(auth, isLocal, signal)
  }

  /** Ends what is being fetched, and forgets all tokens. */
  close(): void {
    this.#closing.abort(new UtcpError('client_closed', 'The protocol was closed'))
    this.#entries.clear()
  }

  #entryOf(auth: OAuth2Auth, isLocal: boolean): Entry {
    const { token_url: url, client_id: id, client_secret: secret, scope = '' } = auth
    // Whether the URL may be this machine's own belongs to the key: a token is no way around that rule.
    const key = JSON.stringify([isLocal, url, id, secret, scope])
    const entry = this.#entries.get(key) ?? { way: 'form' }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > maxEntries) this.#entries.delete(this.#entries.keys().next().value ?? '')
    return entry
  }

  async #fetch(entry: Entry, auth: OAuth2Auth, isLocal: boolean): Promise<AccessToken> {
    const deadline = openDeadline(this.#closing.signal, tokenTimeoutMs, 'Getting an access token')
    try {
      const token = await this.#request(entry, auth, { isLocal, signal: deadline.signal })
      entry.token = token
      return token
    } finally {
      deadline.end()
      delete entry.pending
    }
  }

  /** One way after the other, never both: each that works costs a token. */
  async #request(
    entry: Entry,
    auth: OAuth2Auth,
    scope: { isLocal: boolean; signal: AbortSignal },
  ): Promise<AccessToken> {
    const first = await requestToken(this.#outbound, auth, entry.way, scope)
    if ('text' in first) return first
    if (!first.mayTryOther) throw first.error
    const other = entry.way === 'form' ? 'basic' : 'form'
    const second = await requestToken(this.#outbound, auth, other, scope)
    if (!('text' in second)) throw second.error
    entry.way = other
    return second
  }
}
