import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { bodyError, closeSignal, nodeBody, writeNodeResponse } from '../../src/http.ts'

let server: Server | undefined

afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => server?.close(resolve))
})

async function serve(listener: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  server = createServer((incoming, response) => {
    void listener(incoming, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

type Reading = { bytes: string } | { code: string }

async function read(incoming: IncomingMessage, maxBytes = 100): Promise<Reading> {
  const body = nodeBody(incoming)
  if (!body || !('read' in body)) throw new Error('expected an unread body')
  try {
    const bytes = await body.read(maxBytes)
    return bytes === undefined ? { code: 'read by another' } : { bytes: new TextDecoder().decode(bytes) }
  } catch (error) {
    return { code: (error as { code: string }).code }
  }
}

describe('the body of a Node request', () => {
  const ask = async (init: RequestInit, maxBytes?: number): Promise<Reading> => {
    const url = await serve(async (incoming, response) => response.end(JSON.stringify(await read(incoming, maxBytes))))
    return (await (await fetch(url, { method: 'POST', ...init })).json()) as Reading
  }

  it('is read to its end', async () => {
    expect(await ask({ body: 'héllo' })).toEqual({ bytes: 'héllo' })
  })

  it('may be empty', async () => {
    expect(await ask({})).toEqual({ bytes: '' })
  })

  it('may be as large as the limit, and not a byte larger', async () => {
    expect(await ask({ body: 'x'.repeat(100) })).toEqual({ bytes: 'x'.repeat(100) })
    expect(await ask({ body: 'x'.repeat(101) })).toEqual({ code: 'payload_too_large' })
  })

  it('is refused in the middle when its length was not told', async () => {
    const chunks = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(60))
      },
    })
    const url = await serve(async (incoming, response) => response.end(JSON.stringify(await read(incoming))))
    const response = await fetch(url, { method: 'POST', body: chunks, duplex: 'half' } as RequestInit)
    expect(await response.json()).toEqual({ code: 'payload_too_large' })
  })

  it('is told when somebody else has read it', async () => {
    const url = await serve(async (incoming, response) => {
      incoming.resume()
      await once(incoming, 'end')
      response.end(JSON.stringify(await read(incoming)))
    })
    expect(await (await fetch(url, { method: 'POST', body: 'gone' })).json()).toEqual({ code: 'read by another' })
  })

  it.each(['paused', 'ended', 'broken'])('is not waited for when its stream is %s', async (state) => {
    const stream = new PassThrough()
    if (state === 'paused') stream.pause().end('late')
    if (state === 'ended') await finished(stream.end().resume())
    const reading = read(stream as never)
    if (state === 'broken') stream.destroy(new Error('incorrect header check'))
    const expected = {
      paused: { bytes: 'late' },
      ended: { bytes: '' },
      broken: { code: 'invalid_request' },
    }
    expect(await reading).toEqual(expected[state as keyof typeof expected])
  })

  it('is not waited for when the client goes in the middle of it', async () => {
    const reading = Promise.withResolvers<Reading>()
    const url = await serve(async (incoming) => reading.resolve(await read(incoming)))
    const client = request(url, { method: 'POST', headers: { 'content-length': '50' } })
    client.on('error', () => {})
    client.write('half')
    await once(server as Server, 'request')
    client.destroy()
    expect(await reading.promise).toEqual({ code: 'cancelled' })
  })

  it('is not waited for when the client has gone before', async () => {
    const reading = Promise.withResolvers<Reading>()
    const url = await serve(async (incoming) => {
      incoming.on('error', () => {})
      await new Promise<void>((resolve) => incoming.once('close', resolve))
      reading.resolve(await read(incoming))
    })
    const client = request(url, { method: 'POST', headers: { 'content-length': '50' } })
    client.on('error', () => {})
    client.write('half')
    await once(server as Server, 'request')
    client.destroy()
    expect(await reading.promise).toEqual({ code: 'cancelled' })
  })

  it('is what a parser of the app made of it', () => {
    expect(nodeBody({ body: { a: 1 } } as never)).toEqual({ parsed: { a: 1 } })
    expect(nodeBody({ body: null } as never)).toEqual({ parsed: null })
    expect(nodeBody({ body: {}, readableDidRead: true } as never)).toEqual({ parsed: {} })
  })

  it('is read where a middleware put an empty object without reading anything', async () => {
    const url = await serve(async (incoming, response) => {
      response.end(JSON.stringify(await read(Object.assign(incoming, { body: {} }))))
    })
    expect(await (await fetch(url, { method: 'POST', body: 'unread' })).json()).toEqual({ bytes: 'unread' })
  })

  it('is the text of a parser that only decodes', async () => {
    expect(await read({ body: 'héllo' } as never)).toEqual({ bytes: 'héllo' })
  })

  it('is given up when it does not arrive', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const reading = read(new PassThrough() as never)
      await vi.advanceTimersByTimeAsync(30_000)
      expect(await reading).toEqual({ code: 'invalid_request' })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('is cut off when its sender goes on and on after it was refused', async () => {
    const stream = new PassThrough()
    stream.on('error', () => {})
    const reading = read(stream as never)
    for (let sent = 0; sent < 200 && !stream.destroyed; sent += 1) {
      if (!stream.write(new Uint8Array(65_536))) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await reading).toEqual({ code: 'payload_too_large' })
    expect(stream.destroyed).toBe(true)
  })
})

describe('an answer on a Node response', () => {
  it('is written no faster than the client reads, to its end', async () => {
    const url = await serve((_incoming, response) => {
      async function* body(): AsyncGenerator<string> {
        for (let part = 0; part < 50; part += 1) yield 'x'.repeat(100_000)
      }
      void writeNodeResponse(response, { status: 200, headers: { 'content-type': 'text/plain' }, body: body() })
    })
    expect((await (await fetch(url)).text()).length).toBe(5_000_000)
  })

  it('stops the events when the client goes while none come', async () => {
    const returned = vi.fn(() => Promise.resolve({ done: true as const, value: undefined }))
    let end = (): void => {}
    const url = await serve((_incoming, response) => {
      const body = {
        [Symbol.asyncIterator]: () => ({
          next: () =>
            new Promise<IteratorResult<string>>((resolve) => {
              end = () => resolve({ done: true, value: undefined })
            }),
          return: returned,
        }),
      }
      void writeNodeResponse(response, { status: 200, headers: {}, body })
    })
    const abort = new AbortController()
    const response = await fetch(url, { signal: abort.signal })
    expect(response.status).toBe(200)
    abort.abort()
    await vi.waitFor(() => expect(returned).toHaveBeenCalledOnce())
    end()
  })

  it('is dropped where the app has answered in the meantime, and its events are ended', async () => {
    const returned = vi.fn(() => Promise.resolve({ done: true as const, value: undefined }))
    const body = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: returned }) }
    const url = await serve(async (_incoming, response) => {
      response.end('the app')
      await writeNodeResponse(response, { status: 500, headers: { 'x-late': '1' }, body })
    })
    expect(await (await fetch(url)).text()).toBe('the app')
    await vi.waitFor(() => expect(returned).toHaveBeenCalledOnce())
  })

  it.each(['the client has gone', 'the app has answered'])('is not worked on any more once %s', async (how) => {
    const made = Promise.withResolvers<{ signal: ReturnType<typeof closeSignal>; before: boolean }>()
    const abort = new AbortController()
    const url = await serve((_incoming, response) => {
      const signal = closeSignal(response)
      made.resolve({ signal, before: signal.aborted })
      if (how === 'the app has answered') response.end('too late')
    })
    const pending = fetch(url, { signal: abort.signal }).catch(() => {})
    const { signal, before } = await made.promise
    expect(before).toBe(false)
    if (how === 'the client has gone') abort.abort()
    await pending
    await vi.waitFor(() => expect(signal.aborted).toBe(true))
  })

  it('is not begun for a client that went before', async () => {
    const made = Promise.withResolvers<boolean>()
    const url = await serve((_incoming, response) => {
      response.once('close', () => made.resolve(closeSignal(response).aborted))
    })
    const abort = new AbortController()
    const pending = fetch(url, { signal: abort.signal }).catch(() => {})
    await once(server as Server, 'request')
    abort.abort()
    await pending
    expect(await made.promise).toBe(true)
  })
})

describe('the failure of a body parser of the app', () => {
  it.each([
    [413, 'payload_too_large'],
    [415, 'unsupported_media_type'],
    [400, 'invalid_json'],
    [undefined, 'invalid_json'],
  ])('with status %s is %s for us', (status, code) => {
    expect(bodyError(status, 'text')).toMatchObject({ code, message: 'text' })
  })
})
