import type { Trace } from './canaries.ts'
import { type RawHttp, sendRaw } from './raw-http.ts'
import { connectRawPeer, type RawPeer, type RawPeerOptions } from './raw-peer.ts'

/** Talks to a server in the roles of its peers, and keeps all that each of them receives. */
export class CanaryRecorder {
  readonly #answers: Trace[] = []
  readonly #peers: { who: string; peer: RawPeer }[] = []

  constructor(readonly url: string) {}

  /** Sends a request. `what` names it in a report, which must not quote a secret. */
  async http(
    who: string,
    what: string,
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; text: string }> {
    const response = await fetch(this.url + path, { ...init, redirect: 'manual', signal: AbortSignal.timeout(3_000) })
    const text = await response.text()
    const headers = [...response.headers].map((header) => header.join(': ')).join('\n')
    this.#keep(who, what, `${response.status}\n${headers}\n${text}`)
    return { status: response.status, text }
  }

  /** Sends JSON, or a text that only says it is. */
  post(who: string, what: string, path: string, body: unknown, headers: Record<string, string> = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.http(who, what, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: text,
    })
  }

  /** Sends bytes and waits until the server has answered and ended the connection. */
  async raw(who: string, what: string, text: string): Promise<void> {
    await using raw: RawHttp = await sendRaw(this.url, text)
    this.#keep(who, what, await raw.ended)
  }

  /** Connects a socket; undefined when it is refused, of which the answer is kept. */
  async socket(who: string, what: string, options: Omit<RawPeerOptions, 'url'>): Promise<RawPeer | undefined> {
    try {
      const peer = await connectRawPeer({ url: this.url, ...options })
      this.#peers.push({ who, peer })
      peer.socket.on('close', (code, reason) => this.#keep(who, `the end of ${what}`, `${code} ${reason.toString()}`))
      return peer
    } catch (error) {
      const { status, body } = error as { status?: number; body?: string }
      this.#keep(who, what, `${status} ${body}`)
      return undefined
    }
  }

  /** As {@link socket}, for one that has to be taken. */
  async peer(who: string, options: Omit<RawPeerOptions, 'url'>): Promise<RawPeer> {
    const peer = await this.socket(who, 'a socket', options)
    if (!peer) throw new Error(`the socket of the ${who} was refused`)
    return peer
  }

  /** All that was received so far. */
  traces(): Trace[] {
    const frames = this.#peers.flatMap(({ who, peer }) =>
      peer.frames.map((frame) => ({
        who,
        what: `a frame of type ${frame.type}`,
        bytes: Buffer.from(JSON.stringify(frame)),
      })),
    )
    return [...this.#answers, ...frames]
  }

  close(): void {
    for (const { peer } of this.#peers) peer.socket.terminate()
  }

  #keep(who: string, what: string, text: string): void {
    this.#answers.push({ who, what, bytes: Buffer.from(text, 'utf8') })
  }
}
