import { type Decoded, decodeFromLlm, decodeFromToolkit, encodeFrame } from '../../src/protocol/codec.ts'
import type { Frame, FromLlmFrame, FromToolkitFrame, HelloFrame, WelcomeFrame } from '../../src/protocol/frames.ts'
import { createMemoryServer, type MemoryServer } from '../transport/memory-transport.ts'
import type { Closed, TestPeer } from '../transport/test-peer.ts'

/** A server that does only what its test says, in memory. */
export interface ScriptedServer<In extends Frame> {
  readonly memory: MemoryServer
  /** The next connection, nothing read yet. */
  connection(): Promise<ScriptedPeer<In>>
  /** The next connection, after hello and welcome. */
  welcome(welcome?: Partial<WelcomeFrame>): Promise<ScriptedPeer<In>>
}

/** The server of a toolkit client. */
export function toolkitServer(): ScriptedServer<FromToolkitFrame> {
  return scriptedServer(decodeFromToolkit)
}

/** The server of an LLM client. */
export function llmServer(): ScriptedServer<FromLlmFrame> {
  return scriptedServer(decodeFromLlm)
}

/** A welcome as our servers send it. */
export function welcomeFrame(overrides: Partial<WelcomeFrame> = {}): WelcomeFrame {
  return {
    type: 'welcome',
    protocol: 2,
    capabilities: [],
    limits: { maxFrameBytes: 1_048_576, maxResultBytes: 1_048_576, maxInFlight: 1_024 },
    heartbeatMs: 25_000,
    ...overrides,
  }
}

/** What a client's connection is on the server's side. */
export class ScriptedPeer<In extends Frame> {
  readonly raw: TestPeer
  readonly #decode: (text: string) => Decoded<In>
  hello: HelloFrame | undefined

  constructor(raw: TestPeer, decode: (text: string) => Decoded<In>) {
    this.raw = raw
    this.#decode = decode
  }

  /** The next frame, which must be of that type. */
  async next<T extends In['type']>(type: T): Promise<Extract<In, { type: T }>> {
    const frame = this.#read(await this.raw.received.next())
    if (frame.type !== type) throw new Error(`Expected a frame of type ${type}, not ${JSON.stringify(frame)}`)
    return frame as Extract<In, { type: T }>
  }

  /** The next frames, all of that type. */
  async take<T extends In['type']>(count: number, type: T): Promise<Extract<In, { type: T }>[]> {
    const frames = []
    for (let index = 0; index < count; index += 1) frames.push(await this.next(type))
    return frames
  }

  /** All frames that ever came, in order. */
  get types(): string[] {
    return this.raw.received.all.map((text) => this.#read(text).type)
  }

  get closed(): Promise<Closed> {
    return this.raw.closed
  }

  send(frame: Frame): void {
    this.raw.send(encodeFrame(frame))
  }

  async sayWelcome(overrides?: Partial<WelcomeFrame>): Promise<void> {
    this.hello = (await this.next('hello')) as HelloFrame
    this.send(welcomeFrame(overrides))
  }

  #read(text: string): In {
    const decoded = this.#decode(text)
    if (!decoded.ok) throw decoded.error
    return decoded.frame
  }
}

function scriptedServer<In extends Frame>(decode: (text: string) => Decoded<In>): ScriptedServer<In> {
  const memory = createMemoryServer()
  const connection = async (): Promise<ScriptedPeer<In>> => new ScriptedPeer(await memory.accepted.next(), decode)
  return {
    memory,
    connection,
    async welcome(overrides) {
      const peer = await connection()
      await peer.sayWelcome(overrides)
      return peer
    },
  }
}
