/** The Python SDK would break, hang or show a model nothing here. The message says where and on what. */
export class LegacyBreak extends Error {
  override readonly name = 'LegacyBreak'
}

/** The server refused a peer: in the handshake, by `auth_response`, by a close, or with an HTTP status. */
export class LegacyRefusal extends Error {
  override readonly name = 'LegacyRefusal'
  /** The HTTP status or close code; undefined for a refusal in `auth_response`. */
  readonly status: number | undefined
  /** The body or frame as it came. */
  readonly body: unknown

  constructor(message: string, status: number | undefined, body: unknown) {
    super(message)
    this.status = status
    this.body = body
  }
}

/**
 * What went wrong at a peer without a caller to tell. Unless a test takes them, the peer's disposal throws them, so that
 * no server passes by being lucky.
 */
export class Problems {
  readonly #texts: string[] = []

  add(text: string): void {
    this.#texts.push(text)
  }

  /** All of them; they count as seen. */
  take(): string[] {
    return this.#texts.splice(0)
  }

  /** @throws LegacyBreak when there are any that nobody took */
  check(peer: string): void {
    const left = this.take()
    if (left.length > 0) throw new LegacyBreak(`${peer}: ${left.join('; ')}`)
  }
}
