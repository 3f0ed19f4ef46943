import { EventEmitter, once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from '../app.ts'
import type { Warehouse } from '../warehouse.ts'

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

/** What is sent beside method and path. */
export interface Sent {
  /** Sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

/** The product that the warehouse of a {@link ShopUnderTest} never finds: whoever waits for it waits until told to stop. */
export const lostProduct = 'glass-pot'

/** A shop on a free port, and a client for it. */
export class ShopUnderTest {
  readonly staffKey = 'staff-key-of-the-check'
  /** Says `lost` when somebody begins to look for the lost product, and `stopped` when they were told to stop. */
  readonly warehouseEvents: EventEmitter = new EventEmitter()
  readonly #server: Server
  url = ''

  constructor() {
    const warehouse: Warehouse = {
      pick: async ({ sku }, signal) => {
        if (sku !== lostProduct) return
        this.warehouseEvents.emit('lost')
        if (!signal.aborted) await once(signal, 'abort')
        this.warehouseEvents.emit('stopped')
        throw signal.reason
      },
    }
    this.#server = createApp({ staffKeys: [this.staffKey], warehouse }).listen(0, '127.0.0.1')
  }

  async open(): Promise<void> {
    if (!this.#server.listening) await once(this.#server, 'listening')
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The header that lets the staff run tools. */
  get staff(): Record<string, string> {
    return { authorization: `Bearer ${this.staffKey}` }
  }

  async send(method: string, path: string, { body, headers = {} }: Sent = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: readJson(text) }
  }

  /** Buys as a customer does: signs in, fills a basket, pays. */
  async buy(email: string, password: string, basket: Record<string, number>): Promise<{ id: string; token: string }> {
    const { token } = (await this.send('POST', '/sign-in', { body: { email, password } })).json as { token: string }
    const { id: basketId } = (await this.send('POST', '/baskets')).json as { id: string }
    for (const [sku, quantity] of Object.entries(basket)) {
      await this.send('PUT', `/baskets/${basketId}/${sku}`, { body: { quantity } })
    }
    const headers = { authorization: `Bearer ${token}` }
    const { id } = (await this.send('POST', `/baskets/${basketId}/checkout`, { headers })).json as { id: string }
    return { id, token }
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
