import { describe, expect, it, vi } from 'vitest'
import type { AtpRequest, AtpResponse } from '../../src/http/http-messages.ts'
import { createAtpHandler } from '../../src/http.ts'
import { type AtpHttpOptions, silentLogger, Toolkit } from '../../src/index.ts'

function request(tool: string, headers: Record<string, string> = {}): AtpRequest {
  return {
    method: 'POST',
    path: `/atp/shop/${tool}`,
    basePath: '',
    origin: () => 'http://localhost',
    header: (name) => headers[name],
    body: () => undefined,
    native: undefined,
  }
}

const events = { accept: 'text/event-stream' }

function mount(toolkit: Toolkit, options: AtpHttpOptions = {}): (request: AtpRequest) => Promise<AtpResponse> {
  const handle = createAtpHandler(toolkit, { authorize: 'public', ...options })
  return (each) => handle(each) as Promise<AtpResponse>
}

async function nextOf(answer: AtpResponse): Promise<() => Promise<IteratorResult<string>>> {
  const iterator = (answer.body as AsyncIterable<string>)[Symbol.asyncIterator]()
  return () => iterator.next()
}

describe('a streamed call', () => {
  it('slows the tool down to what its reader takes', async () => {
    const toolkit = new Toolkit({ appName: 'shop' })
    let made = 0
    toolkit.registerTool({ name: 'flood', description: '' }, async function* () {
      for (;;) {
        made += 1
        yield made
      }
    })
    const next = await nextOf(await mount(toolkit)(request('flood', events)))
    for (let read = 1; read <= 5; read += 1) {
      await next()
      // One that the reader has, and at most one that waits for it.
      expect(made).toBeLessThanOrEqual(read + 1)
    }
  })

  it('ends the generator when its reader stops', async () => {
    const toolkit = new Toolkit({ appName: 'shop' })
    const cleaned = vi.fn()
    toolkit.registerTool({ name: 'flood', description: '' }, async function* () {
      try {
        for (;;) yield 1
      } finally {
        cleaned()
      }
    })
    const answer = await mount(toolkit)(request('flood', events))
    for await (const text of answer.body as AsyncIterable<string>) {
      expect(text).toContain('event: chunk')
      break
    }
    await vi.waitFor(() => expect(cleaned).toHaveBeenCalledOnce())
  })

  it('aborts a tool that waits when its reader stops', async () => {
    const toolkit = new Toolkit({ appName: 'shop' })
    const aborted = vi.fn()
    toolkit.registerTool(
      { name: 'wait', description: '' },
      (_args, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(aborted(signal.reason)))),
    )
    const answer = await mount(toolkit)(request('wait', events))
    await (answer.body as AsyncIterable<string>)[Symbol.asyncIterator]().return?.()
    await vi.waitFor(() => expect(aborted).toHaveBeenCalledWith(expect.objectContaining({ code: 'cancelled' })))
  })

  it('leaves out progress that is not JSON instead of failing the tool', async () => {
    const toolkit = new Toolkit({ appName: 'shop' })
    toolkit.registerTool({ name: 'odd', description: '' }, (_args, { progress }) => {
      progress(1n)
      progress(undefined)
      return 'done'
    })
    const answer = await mount(toolkit)(request('odd', events))
    let text = ''
    for await (const part of answer.body as AsyncIterable<string>) text += part
    expect(text).toBe('id: 1\nevent: progress\ndata: null\n\nid: 2\nevent: result\ndata: {"result":"done"}\n\n')
  })
})

describe('the slots of a mount', () => {
  it('are held by handlers that outlive their deadline, and are free again when those end', async () => {
    const toolkit = new Toolkit({ appName: 'shop' })
    let finish = (): void => {}
    toolkit.registerTool(
      { name: 'slow', description: '', timeoutMs: 1 },
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }),
    )
    toolkit.registerTool({ name: 'quick', description: '' }, () => 1)
    const handle = mount(toolkit, { maxConcurrency: 1 })
    expect((await handle(request('slow'))).status).toBe(504)
    const busy = await handle(request('quick'))
    expect(busy.status).toBe(429)
    expect(busy.headers['retry-after']).toBe('1')
    finish()
    await vi.waitFor(async () => expect((await handle(request('quick'))).status).toBe(200))
  })

  it('are given back by calls that never reach their tool', async () => {
    const toolkit = new Toolkit({ appName: 'shop' })
    toolkit.registerTool({ name: 'needs', description: '', params: ['a'], requiredParams: ['a'] }, () => 1)
    const handle = mount(toolkit, { maxConcurrency: 1 })
    for (let call = 0; call < 3; call += 1) {
      expect((await handle(request('needs'))).status).toBe(400)
      expect((await handle(request('needs', events))).status).toBe(400)
    }
  })
})

describe('what a tool sees of its mount', () => {
  it('is the env and the logger of the mount, else those of the toolkit', async () => {
    const toolkit = new Toolkit({ appName: 'shop', env: 'toolkit env' })
    toolkit.registerTool({ name: 'env', description: '' }, (_args, context) => {
      context.logger.info('ran')
      return context.env
    })
    expect((await mount(toolkit)(request('env'))).body).toBe('{"result":"toolkit env"}')
    const logger = { ...silentLogger, info: vi.fn() }
    const answer = await mount(toolkit, { env: () => 'mount env', logger })(request('env'))
    expect(answer.body).toBe('{"result":"mount env"}')
    expect(logger.info).toHaveBeenCalledWith('ran')
  })

  it('is the id of the request as the id of the call', async () => {
    const toolkit = new Toolkit({ appName: 'shop' })
    toolkit.registerTool({ name: 'id', description: '' }, (_args, { callId }) => callId)
    expect((await mount(toolkit)({ ...request('id'), id: 'req-7' })).body).toBe('{"result":"req-7"}')
    expect((await mount(toolkit)(request('id'))).body).toMatch(/^\{"result":"[0-9a-f-]{36}"\}$/)
  })
})
