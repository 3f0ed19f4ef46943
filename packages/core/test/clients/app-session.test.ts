import { beforeEach, describe, expect, it } from 'vitest'
import { AppSession } from '../../src/clients/app-session.ts'
import { LlmCalls } from '../../src/clients/llm-calls.ts'
import type { DoorCall, LlmDoor } from '../../src/clients/llm-door.ts'
import { ToolkitContexts } from '../../src/clients/toolkit-contexts.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import type { ErrorCode } from '../../src/errors/codes.ts'
import type { AppEvent } from '../../src/protocol/frames.ts'

/** Events that wait for the answer of the test. */
interface Sent extends PromiseWithResolvers<unknown> {
  app: AppEvent
  signal: AbortSignal | undefined
}

let sent: Sent[]

beforeEach(() => {
  sent = []
})

const send = (app: AppEvent, signal: AbortSignal | undefined): Promise<unknown> => {
  const event = { app, signal, ...Promise.withResolvers<unknown>() }
  sent.push(event)
  return event.promise
}
const fail = (event: Sent | undefined, code: ErrorCode): void => event?.reject(new AtpError(code, `it was ${code}`))

/** A session that is open; what opened it is not among what was sent. */
async function open(): Promise<AppSession> {
  const opening = AppSession.open(send)
  sent.pop()?.resolve({ ui: 'begin', ended: false })
  return opening
}

describe('a session', () => {
  it('has an id that nobody guesses, and shows what its app says', async () => {
    const signal = new AbortController().signal
    const opening = AppSession.open(send, { signal })
    const [first] = sent
    expect(first).toMatchObject({ app: { sessionId: expect.stringMatching(/^[\da-f-]{36}$/), event: 'start' } })
    expect(first?.signal).toBe(signal)
    first?.resolve({ ui: { category: 'text' }, ended: false })
    const session = await opening
    expect([session.id, session.ui, session.ended]).toEqual([first?.app.sessionId, { category: 'text' }, false])
    const step = new AbortController().signal
    const acting = session.act({ pressed: 'ok' }, { signal: step })
    expect(sent[1]?.app).toEqual({ sessionId: session.id, event: 'action', data: { pressed: 'ok' } })
    expect(sent[1]?.signal).toBe(step)
    sent[1]?.resolve({ ui: null, ended: true })
    expect(await acting).toBeNull()
    expect([session.ui, session.ended]).toEqual([null, true])
    await expect(session.act(1)).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('over') })
    await session.close()
    expect(sent).toHaveLength(2)
  })

  it.each([undefined, null, 'text', { ui: 1 }, { ended: true }, { ui: 1, ended: 'no' }])(
    'is none when its app answers %j',
    async (answer) => {
      const opening = AppSession.open(send)
      sent[0]?.resolve(answer)
      await expect(opening).rejects.toMatchObject({ code: 'protocol_error' })
    },
  )

  it('stays as it was when a step fails', async () => {
    const session = await open()
    for (const code of ['tool_error', 'cancelled', 'connection_closed'] as const) {
      const acting = session.act(1)
      fail(sent.pop(), code)
      await expect(acting).rejects.toMatchObject({ code })
    }
    const acting = session.act(1)
    sent.pop()?.resolve(5)
    await expect(acting).rejects.toMatchObject({ code: 'protocol_error' })
    expect([session.ui, session.ended]).toEqual(['begin', false])
  })
})

describe('a session that is closed', () => {
  it('is over at once, also for a step whose answer comes later', async () => {
    const session = await open()
    const acting = session.act(1)
    const closing = session.close()
    expect(session.ended).toBe(true)
    const [action, close] = sent
    expect(close?.app).toEqual({ sessionId: session.id, event: 'close' })
    action?.resolve({ ui: 'late', ended: false })
    await acting
    expect(session.ended).toBe(true)
    close?.resolve(null)
    await closing
    await session.close()
    expect(sent).toHaveLength(2)
  })

  it('is closed when it was gone already', async () => {
    const session = await open()
    const closing = session.close()
    fail(sent.pop(), 'not_found')
    await closing
    expect(session.ended).toBe(true)
  })

  it('may be closed again when the app did not hear of it', async () => {
    const session = await open()
    const failed = session.close()
    fail(sent.pop(), 'connection_closed')
    await expect(failed).rejects.toMatchObject({ code: 'connection_closed' })
    expect(session.ended).toBe(false)
    const closing = session.close()
    sent.pop()?.resolve(null)
    await closing
    expect(session.ended).toBe(true)
  })

  it('is over when the app heard of it and failed', async () => {
    const session = await open()
    const closing = session.close()
    fail(sent.pop(), 'tool_error')
    await expect(closing).rejects.toMatchObject({ code: 'tool_error' })
    await session.close()
    expect([session.ended, sent]).toEqual([true, []])
  })
})

it('sends events as calls of the app, each with the signal of its step and the options of all', async () => {
  const calls: DoorCall[] = []
  const door = {
    call: async (call: DoorCall) => {
      calls.push(call)
      return { ui: null, ended: false }
    },
  } as unknown as LlmDoor
  const llm = new LlmCalls(door, new ToolkitContexts(door))
  const opening = new AbortController().signal
  const request = { toolkitId: 'demo', app: 'form', params: { n: 1 }, authToken: 't', timeoutMs: 5_000 }
  const session = await llm.openApp({ ...request, signal: opening })
  await session.act('x')
  await session.close()
  const common = { toolkitId: 'demo', tool: 'form', authToken: 't', timeoutMs: 5_000, idempotencyKey: undefined }
  const { id: sessionId } = session
  expect(calls).toMatchObject([
    { ...common, params: { n: 1 }, signal: opening, app: { sessionId, event: 'start' } },
    { ...common, params: {}, signal: undefined, app: { sessionId, event: 'action', data: 'x' } },
    { ...common, params: {}, signal: undefined, app: { sessionId, event: 'close' } },
  ])
  await expect(llm.openApp({ ...request, timeoutMs: 0 })).rejects.toMatchObject({ code: 'invalid_request' })
})
