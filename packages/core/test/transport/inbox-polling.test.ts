import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AtpError } from '../../src/errors/atp-error.ts'
import type { ErrorCode } from '../../src/errors/codes.ts'
import { connectInboxPolling, type InboxPost } from '../../src/transport/inbox-polling.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { Mailbox } from './mailbox.ts'
import { connectOptions, Recorder } from './test-peer.ts'

/** A request of the transport, to be answered by the test. */
interface Asked {
  path: string
  body: { instance_id: string; frames?: Record<string, unknown>[]; max?: number; wait_ms?: number }
  post: InboxPost
  answer(frames: unknown[]): void
  fail(code: ErrorCode, status?: number, details?: object): void
}

let frames: Mailbox<Asked>
let polls: Mailbox<Asked>
let handlers: Recorder
let free: number
let listeners: Set<() => void>

beforeEach(() => {
  vi.useFakeTimers()
  frames = new Mailbox()
  polls = new Mailbox()
  handlers = new Recorder()
  free = 64
  listeners = new Set()
})
afterEach(async () => {
  await vi.advanceTimersByTimeAsync(60_000)
  expect(vi.getTimerCount()).toBe(0)
  expect(listeners.size).toBe(0)
  vi.useRealTimers()
})

function post(request: InboxPost): Promise<unknown> {
  const answer = Promise.withResolvers<unknown>()
  const path = request.url.replace('http://server/api/v2/toolkit', '')
  const asked: Asked = {
    path,
    post: request,
    body: JSON.parse(request.body) as Asked['body'],
    answer: (list) => answer.resolve({ frames: list }),
    fail: (code, status, details) =>
      answer.reject(new AtpError(code, `failed with ${code}`, { details: { status, ...details } })),
  }
  request.signal.addEventListener('abort', () => answer.reject(new AtpError('client_stopped', 'aborted')))
  ;(path === '/poll' ? polls : frames).push(asked)
  return answer.promise
}

const hello = '{"type":"hello","protocol":2,"instance_id":"i\\"1"}'
const welcome = { type: 'welcome', protocol: 2 }
const registered = { type: 'registered', request_id: 'r1' }
const frame = (id: number): string => JSON.stringify({ type: 'result', id })

function connect(signal?: AbortSignal): Promise<Transport> {
  const slots = {
    get free() {
      return free
    },
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const options = connectOptions('http://server/api/v2/toolkit', handlers)
  return connectInboxPolling({ post, slots, backoff: { random: () => 0.5 } })({
    ...options,
    hello,
    ...(signal && { signal }),
  }).then(({ transport, keySent, helloSent }) => {
    expect({ keySent, helloSent }).toEqual({ keySent: true, helloSent: true })
    return transport
  })
}

/** A transport that is open. */
async function opened(): Promise<Transport> {
  const connecting = connect()
  ;(await frames.next()).answer([welcome])
  return connecting
}

/** A transport that polls, and its first poll. */
async function polling(): Promise<{ transport: Transport; poll: Asked }> {
  const transport = await opened()
  transport.send('{"type":"register"}')
  await vi.advanceTimersByTimeAsync(0)
  ;(await frames.next()).answer([registered])
  return { transport, poll: await polls.next() }
}

function setFree(count: number): void {
  free = count
  for (const listener of listeners) listener()
}

async function ended(transport: Transport): Promise<void> {
  transport.terminate()
  await handlers.closed
}

describe('opening', () => {
  it('posts hello with the key and tells what is answered', async () => {
    const connecting = connect()
    const asked = await frames.next()
    expect(asked.path).toBe('/frames')
    expect(asked.post.apiKey).toBe('atp_llm_test')
    expect(asked.body).toEqual({ instance_id: 'i"1', frames: [JSON.parse(hello)] })
    asked.answer([welcome])
    const transport = await connecting
    await expect(handlers.messages.next()).resolves.toBe(JSON.stringify(welcome))
    expect(polls.all).toHaveLength(0)
    await ended(transport)
  })

  it.each([
    ['unauthorized', 401],
    ['connection_failed', undefined],
    ['not_found', 404],
  ] as const)('fails with %s as it is', async (code, status) => {
    const connecting = connect()
    ;(await frames.next()).fail(code, status)
    await expect(connecting).rejects.toMatchObject({ code, details: { status } })
    expect(handlers.told).toEqual([])
  })

  it('fails when the answer holds no frames', async () => {
    const connecting = connect()
    ;(await frames.next()).answer('none' as never)
    await expect(connecting).rejects.toMatchObject({ code: 'protocol_error' })
  })
})

describe('sending', () => {
  it('puts all frames of a turn into one request, and those that come meanwhile into the next', async () => {
    const transport = await opened()
    for (const id of [1, 2]) transport.send(frame(id))
    await vi.advanceTimersByTimeAsync(0)
    const first = await frames.next()
    expect(first.body.frames).toEqual([1, 2].map((id) => ({ type: 'result', id })))
    for (const id of [3, 4]) transport.send(frame(id))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(frames.all).toHaveLength(2)
    expect(transport.bufferedAmount).toBe(4 * frame(1).length)
    first.answer([{ type: 'received' }])
    const second = await frames.next()
    expect(second.body.frames).toEqual([3, 4].map((id) => ({ type: 'result', id })))
    second.answer([])
    await vi.advanceTimersByTimeAsync(0)
    expect(transport.bufferedAmount).toBe(0)
    expect(handlers.messages.all).toEqual([welcome, { type: 'received' }].map((each) => JSON.stringify(each)))
    await ended(transport)
  })

  it('sends the same frames again with backoff while the server cannot be reached', async () => {
    const transport = await opened()
    transport.send(frame(1))
    await vi.advanceTimersByTimeAsync(0)
    for (const [code, waitMs] of [
      ['connection_failed', 250],
      ['deadline_exceeded', 500],
      ['store_unavailable', 1_000],
    ] as const) {
      ;(await frames.next()).fail(code)
      transport.send(frame(2))
      await vi.advanceTimersByTimeAsync(waitMs - 1)
      const before = frames.all.length
      await vi.advanceTimersByTimeAsync(1)
      expect(frames.all).toHaveLength(before + 1)
    }
    const again = await frames.next()
    expect(again.body.frames?.[0]).toEqual({ type: 'result', id: 1 })
    again.answer([])
    await ended(transport)
  })

  it('waits as long as the server asks for', async () => {
    const transport = await opened()
    transport.send(frame(1))
    await vi.advanceTimersByTimeAsync(0)
    ;(await frames.next()).fail('rate_limited', 429, { retryAfterMs: 7_000 })
    await vi.advanceTimersByTimeAsync(7_249)
    expect(frames.all).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(frames.all).toHaveLength(3)
    await ended(transport)
  })

  it('ends as lost after half a minute without an answer', async () => {
    const transport = await opened()
    transport.send(frame(1))
    let asked = 0
    const failing = (async () => {
      for (; ; asked += 1) (await frames.next()).fail('connection_failed')
    })()
    void failing
    await vi.advanceTimersByTimeAsync(29_000)
    expect(handlers.count('close')).toBe(0)
    await vi.advanceTimersByTimeAsync(31_000)
    await expect(handlers.closed).resolves.toEqual({ code: 1006, reason: 'failed with connection_failed' })
    expect(asked).toBeGreaterThan(4)
    expect(asked).toBeLessThan(12)
  })

  it('counts that half minute from the first failure after an answer', async () => {
    const { transport, poll } = await polling()
    poll.fail('connection_failed')
    await vi.advanceTimersByTimeAsync(250)
    ;(await polls.next()).answer([])
    await vi.advanceTimersByTimeAsync(40_000)
    ;(await polls.next()).fail('deadline_exceeded')
    await vi.advanceTimersByTimeAsync(250)
    await polls.next()
    expect(handlers.count('close')).toBe(0)
    await ended(transport)
  })

  it.each([
    ['unauthorized', 401, 4401],
    ['forbidden', 403, 4403],
    ['toolkit_name_conflict', 409, 4409],
    ['gone', 410, 1006],
    ['not_found', 404, 1006],
  ] as const)('ends at once on %s', async (code, status, closeCode) => {
    const { transport } = await polling()
    transport.send(frame(1))
    await vi.advanceTimersByTimeAsync(0)
    ;(await frames.next()).fail(code, status)
    await expect(handlers.closed).resolves.toEqual({ code: closeCode, reason: `failed with ${code}` })
    transport.send(frame(2))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(handlers.count('close')).toBe(1)
    expect(frames.all).toHaveLength(3)
    expect(polls.all[0]?.post.signal.aborted).toBe(true)
  })

  it('loses no other frame with one that the server cannot take', async () => {
    const transport = await opened()
    for (const id of [1, 2, 3]) transport.send(frame(id))
    await vi.advanceTimersByTimeAsync(0)
    ;(await frames.next()).fail('payload_too_large', 413)
    ;(await frames.next()).answer([])
    ;(await frames.next()).fail('payload_too_large', 413)
    const last = await frames.next()
    expect(last.body.frames).toEqual([{ type: 'result', id: 3 }])
    last.answer([])
    await vi.advanceTimersByTimeAsync(0)
    expect(transport.bufferedAmount).toBe(0)
    await ended(transport)
  })
})

describe('polling', () => {
  it('begins once the tools are registered, one poll at a time', async () => {
    const { transport, poll } = await polling()
    expect(poll.body).toEqual({ instance_id: 'i"1', max: 32, wait_ms: 25_000 })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(polls.all).toHaveLength(1)
    poll.answer([{ type: 'call', request_id: 'c1' }, { type: 'cancel' }])
    await polls.next()
    expect(handlers.messages.all.slice(2)).toEqual(['{"type":"call","request_id":"c1"}', '{"type":"cancel"}'])
    await ended(transport)
  })

  it('asks for as many calls as there are free slots, 32 at most', async () => {
    free = 3
    const { transport, poll } = await polling()
    expect(poll.body.max).toBe(3)
    free = 33
    poll.answer([{ type: 'call' }])
    expect((await polls.next()).body.max).toBe(32)
    await ended(transport)
  })

  it('asks for none while no slot is free, so that cancels arrive, and anew when one is', async () => {
    free = 0
    const { transport, poll } = await polling()
    expect(poll.body.max).toBe(0)
    poll.answer([{ type: 'cancel' }])
    const second = await polls.next()
    expect(second.body.max).toBe(0)
    setFree(1)
    const third = await polls.next()
    expect(second.post.signal.aborted).toBe(true)
    expect(third.body.max).toBe(1)
    setFree(2)
    await vi.advanceTimersByTimeAsync(0)
    expect(polls.all).toHaveLength(3)
    setFree(0)
    expect((await polls.next()).body.max).toBe(0)
    await ended(transport)
  })

  it('tries again with backoff after an error', async () => {
    const { transport, poll } = await polling()
    poll.fail('connection_failed')
    await vi.advanceTimersByTimeAsync(249)
    expect(polls.all).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    const again = await polls.next()
    again.answer([])
    await polls.next()
    await ended(transport)
  })

  it('waits longer and longer for a server that holds no polls, and not at all for one that does', async () => {
    const { transport, poll } = await polling()
    let open = poll
    for (const pauseMs of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
      open.answer([{ type: 'received' }])
      const before = polls.all.length
      await vi.advanceTimersByTimeAsync(pauseMs - 1)
      expect(polls.all).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(polls.all).toHaveLength(before + 1)
      open = await polls.next()
    }
    open.answer([{ type: 'call' }])
    open = await polls.next()
    await vi.advanceTimersByTimeAsync(25_000)
    open.answer([])
    open = await polls.next()
    open.answer([])
    await vi.advanceTimersByTimeAsync(100)
    await polls.next()
    await ended(transport)
  })

  it('does not wait any longer when slots become free', async () => {
    free = 0
    const { transport, poll } = await polling()
    poll.answer([])
    await vi.advanceTimersByTimeAsync(0)
    expect(polls.all).toHaveLength(1)
    setFree(1)
    expect((await polls.next()).body.max).toBe(1)
    await ended(transport)
  })

  it('ends with the server’s refusal of the key', async () => {
    const { poll } = await polling()
    poll.fail('unauthorized', 401)
    await expect(handlers.closed).resolves.toMatchObject({ code: 4401 })
  })

  it('ends when the server does not take polls', async () => {
    const { poll } = await polling()
    poll.fail('invalid_request', 400)
    await expect(handlers.closed).resolves.toMatchObject({ code: 4400 })
  })

  it('ends when the server drains, while frames are sent on', async () => {
    const { transport, poll } = await polling()
    poll.answer([{ type: 'drain', deadline_ms: 5_000 }])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(polls.all).toHaveLength(1)
    transport.send(frame(1))
    await vi.advanceTimersByTimeAsync(0)
    ;(await frames.next()).answer([])
    await ended(transport)
  })
})

describe('closing', () => {
  it('sends what is left first', async () => {
    const { transport, poll } = await polling()
    transport.send(frame(1))
    transport.close(1000, 'client stopped')
    transport.send(frame(2))
    await vi.advanceTimersByTimeAsync(0)
    const asked = await frames.next()
    expect(asked.body.frames).toEqual([{ type: 'result', id: 1 }])
    expect(handlers.count('close')).toBe(0)
    expect(poll.post.signal.aborted).toBe(true)
    asked.answer([])
    await expect(handlers.closed).resolves.toEqual({ code: 1000, reason: 'client stopped' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(polls.all).toHaveLength(1)
  })

  it('does not take longer than five seconds for that', async () => {
    const transport = await opened()
    transport.send(frame(1))
    await vi.advanceTimersByTimeAsync(0)
    const asked = await frames.next()
    transport.close(1000, 'bye')
    await vi.advanceTimersByTimeAsync(5_000)
    await expect(handlers.closed).resolves.toEqual({ code: 1000, reason: 'bye' })
    expect(asked.post.signal.aborted).toBe(true)
  })

  it('is told once, whoever ends it and how often', async () => {
    const transport = await opened()
    transport.close(1000, 'bye')
    transport.close(1000, 'again')
    transport.terminate()
    await vi.advanceTimersByTimeAsync(0)
    transport.terminate()
    await vi.advanceTimersByTimeAsync(0)
    expect(handlers.count('close')).toBe(1)
  })

  it('tells nothing of what is answered later', async () => {
    const { transport, poll } = await polling()
    transport.terminate()
    await handlers.closed
    const told = handlers.told.length
    poll.answer([{ type: 'call' }])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(handlers.told).toHaveLength(told)
    expect(polls.all).toHaveLength(1)
  })
})
