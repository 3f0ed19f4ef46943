import type { FastifyInstance } from 'fastify'
import { createApp } from '../app.ts'
import { RatesCache } from '../rates.ts'

/** One line of output, and what must hold for it. */
export type Check = readonly [title: string, run: () => Promise<void>]

/** What a route answered. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The body as JSON; undefined when it is none. */
  json: unknown
}

/** The converter on a free port, and a client for it. */
export class ConverterUnderTest {
  readonly key = 'converter-key-of-the-check'
  /** What the rates' clock says, in milliseconds. */
  clock = 0
  readonly #app: FastifyInstance
  url = ''

  constructor() {
    this.#app = createApp({ keys: [this.key], rates: new RatesCache({ now: () => this.clock }) })
  }

  async open(): Promise<void> {
    this.url = await this.#app.listen({ port: 0, host: '127.0.0.1' })
  }

  async close(): Promise<void> {
    await this.#app.close()
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, { headers })
  }

  /** Runs a tool with the key. */
  call(tool: string, args: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('POST', `/atp/${tool}/`, {
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(args),
    })
  }

  async send(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const signal = AbortSignal.timeout(10_000)
    const response = await fetch(new URL(path, this.url), { method, redirect: 'manual', signal, ...init })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: readJson(text) }
  }
}

/** The result of a tool. @throws Error when the answer is not 200 */
export function resultOf({ status, text, json }: Answer): unknown {
  if (status !== 200) throw new Error(`answered ${status}: ${text}`)
  return (json as { result: unknown }).result
}

/** Status and code of a refusal. */
export function refusalOf({ status, json }: Answer): unknown {
  return [status, (json as { code?: unknown } | undefined)?.code]
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
