import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type ToolContext, Toolkit } from '@atp/core'
import { type FastifyInstance, fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { atp } from '../src/index.ts'

/** Starts the app and opens a POST to a tool. */
async function call(app: FastifyInstance, tool: string, headers: Record<string, string> = {}): Promise<ClientRequest> {
  const url = app.server.listening ? app.listeningOrigin : await app.listen({ port: 0 })
  const outgoing = request(`${url}/atp/clock/${tool}`, { method: 'POST', headers })
  // A request that is torn down on purpose says so.
  outgoing.on('error', () => {})
  outgoing.end()
  return outgoing
}

const events = { accept: 'text/event-stream' }

describe('streams', () => {
  test('headers leave before the first event', async () => {
    await using app = fastify()
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const clock = new Toolkit({ appName: 'clock' })
    clock.registerTool({ name: 'wait', description: 'Waits' }, async function* () {
      await opened
      yield 'tick'
    })
    app.register(atp, { client: clock, authorize: 'public' })
    const [incoming] = (await once(await call(app, 'wait', events), 'response')) as [IncomingMessage]
    expect(incoming.statusCode).toBe(200)
    expect(incoming.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    open()
    expect(await text(incoming)).toBe(
      'id: 1\nevent: chunk\ndata: "tick"\n\nid: 2\nevent: result\ndata: {"result":["tick"]}\n\n',
    )
  })

  test('events pass the onSend hooks of the app as a stream', async () => {
    await using app = fastify()
    app.addHook('onSend', async (_request, reply) => void reply.header('x-served-by', 'clock-1'))
    const clock = new Toolkit({ appName: 'clock' })
    clock.registerTool({ name: 'tick', description: 'Ticks' }, async function* () {
      yield 1
    })
    app.register(atp, { client: clock, authorize: 'public' })
    const answer = await app.inject({ method: 'POST', url: '/atp/clock/tick', headers: events })
    expect(answer.headers['x-served-by']).toBe('clock-1')
    expect(answer.body).toBe('id: 1\nevent: chunk\ndata: 1\n\nid: 2\nevent: result\ndata: {"result":[1]}\n\n')
  })

  test('a tool that yields faster than the client reads waits for it', async () => {
    await using app = fastify()
    let yielded = 0
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const clock = new Toolkit({ appName: 'clock' })
    clock.registerTool({ name: 'flood', description: 'Floods' }, async function* () {
      try {
        for (; yielded < 2_000; yielded += 1) yield 'x'.repeat(100_000)
      } finally {
        end()
      }
    })
    app.register(atp, { client: clock, authorize: 'public' })
    const outgoing = await call(app, 'flood', events)
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    await once(incoming, 'data')
    outgoing.destroy()
    await ended
    // 200 MB would be all of it.
    expect(yielded).toBeLessThan(1_000)
  })
})

describe('a client that goes away', () => {
  /** A tool that waits for its signal, and what it saw. */
  function waiting(): { clock: Toolkit; started: Promise<ToolContext>; aborted: Promise<unknown> } {
    const start = Promise.withResolvers<ToolContext>()
    const abort = Promise.withResolvers<unknown>()
    const clock = new Toolkit({ appName: 'clock' })
    const wait = (context: ToolContext): Promise<never> => {
      const { signal } = context
      const seen = (): void => abort.resolve(signal.reason)
      if (signal.aborted) seen()
      signal.addEventListener('abort', seen)
      start.resolve(context)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    clock.registerTool({ name: 'wait', description: 'Waits' }, (_args, context) => wait(context))
    clock.registerTool({ name: 'stream', description: 'Streams' }, async function* (_args, context) {
      yield 1
      await wait(context)
    })
    return { clock, started: start.promise, aborted: abort.promise }
  }

  test.each([
    ['wait', {}],
    ['wait', events],
    ['stream', events],
  ])('aborts the signal of %s, asked for with %j', async (tool, headers) => {
    await using app = fastify()
    const { clock, started, aborted } = waiting()
    app.register(atp, { client: clock, authorize: 'public' })
    const outgoing = await call(app, tool, headers)
    await started
    outgoing.destroy()
    expect(await aborted).toMatchObject({ code: 'cancelled' })
  })

  test('before its tool runs has no tool run', async () => {
    await using app = fastify()
    const { clock, started, aborted } = waiting()
    const arrived = Promise.withResolvers<void>()
    app.addHook('preHandler', async (_request, reply) => {
      arrived.resolve()
      await once(reply.raw, 'close')
    })
    app.register(atp, { client: clock, authorize: 'public' })
    const answered = Promise.withResolvers<void>()
    app.addHook('onSend', async () => answered.resolve())
    const outgoing = await call(app, 'wait')
    await arrived.promise
    outgoing.destroy()
    const ran = await Promise.race([started.then(() => true), aborted.then(() => true), answered.promise])
    expect(ran).toBeUndefined()
  })

  test('after its answer aborts nothing', async () => {
    await using app = fastify()
    const closed = Promise.withResolvers<void>()
    app.addHook('onRequest', async (_request, reply) => void reply.raw.once('close', closed.resolve))
    const signals: AbortSignal[] = []
    const clock = new Toolkit({ appName: 'clock' })
    clock.registerTool({ name: 'now', description: 'Tells the time' }, (_args, { signal }) => {
      signals.push(signal)
      return 'noon'
    })
    app.register(atp, { client: clock, authorize: 'public' })
    const [incoming] = (await once(await call(app, 'now'), 'response')) as [IncomingMessage]
    expect(await text(incoming)).toBe('{"result":"noon"}')
    await closed.promise
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  })
})
