import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { type AppDefinition, type AppHandlers, type AppStep, defineApp } from '../../src/apps/define-app.ts'
import { Cancellation } from '../../src/dispatch/cancel-signal.ts'
import type { AppEvent } from '../../src/protocol/frames.ts'
import { Toolkit } from '../../src/registry/toolkit.ts'
import type { Tool } from '../../src/tool/tool.ts'
import { errorOf, resultOf } from '../dispatch/run-tool.ts'

interface Count {
  count: number
}

const counter: AppHandlers<{ from: number }, Count> = {
  start: ({ from }) => ({ ui: from, state: { count: from } }),
  act(data, { state }) {
    const count = state.count + (data as number)
    return { ui: count, state: { count } }
  },
}
const params = z.object({ from: z.number() })
const definition = { name: 'counter', description: 'Counts.', params }

const makeCounter = (more: Partial<typeof counter> = {}) => defineApp(definition, { ...counter, ...more })

/** An app without parameters. */
const makeApp = (handlers: Partial<AppHandlers>, more: Partial<AppDefinition> = {}): Tool => {
  const start = (): AppStep => ({ ui: 'begin', state: 0 })
  const act = (): AppStep => ({ ui: 'next' })
  return defineApp({ name: 'app', description: '', ...more } as AppDefinition, { start, act, ...handlers })
}

const eventOf = (app: Tool, event: AppEvent): Tool => {
  if (!app.app) throw new Error('not an app')
  return app.app.toolFor(event)
}
const start = (app: Tool, sessionId = 's1'): Tool => eventOf(app, { sessionId, event: 'start' })
const act = (app: Tool, data: unknown = null, sessionId = 's1'): Tool =>
  eventOf(app, { sessionId, event: 'action', data })
const close = (app: Tool, sessionId = 's1'): Tool => eventOf(app, { sessionId, event: 'close' })

describe('an app that is called as a tool', () => {
  it('opens a session that ends at once', async () => {
    const app = makeCounter()
    expect(await resultOf(app, { from: 3 })).toEqual({ ui: 3, ended: true })
    expect(await errorOf(act(app, 1, ''), {})).toMatchObject({ code: 'not_found' })
  })

  it('is a tool of its toolkit like any other', () => {
    const toolkit = new Toolkit({ appName: 'demo' })
    const app = toolkit.registerApp(definition, counter)
    expect(toolkit.registeredTools.get('counter')).toBe(app)
    expect(app).toMatchObject({ name: 'counter', description: 'Counts.', inputSchema: { required: ['from'] } })
    expect(() => toolkit.registerApp(definition, counter)).toThrow(expect.objectContaining({ code: 'duplicate_tool' }))
  })
})

describe('a session', () => {
  it('has a state of its own from start to close', async () => {
    const closed: unknown[] = []
    const app = makeCounter({ close: (session) => void closed.push(session) })
    expect(await resultOf(start(app, 'a'), { from: 1 })).toEqual({ ui: 1, ended: false })
    expect(await resultOf(start(app, 'b'), { from: 50 })).toEqual({ ui: 50, ended: false })
    expect(await resultOf(act(app, 2, 'a'))).toEqual({ ui: 3, ended: false })
    expect(await resultOf(act(app, 2, 'b'))).toEqual({ ui: 52, ended: false })
    expect(await resultOf(close(app, 'a'))).toBeNull()
    expect(closed).toEqual([{ id: 'a', state: { count: 3 } }])
    expect(await errorOf(act(app, 1, 'a'))).toEqual({
      code: 'not_found',
      message: 'App "counter" has no session "a"; it ended, or expired',
      retryable: false,
    })
    expect(await resultOf(act(app, 1, 'b'))).toEqual({ ui: 53, ended: false })
  })

  it('may be closed when it is over, by an app that does not care, too', async () => {
    const app = makeApp({})
    expect(await resultOf(close(app))).toBeNull()
    await resultOf(start(app))
    expect(await resultOf(close(app))).toBeNull()
  })

  it('checks the parameters of its start only', async () => {
    const app = makeCounter()
    expect(await errorOf(start(app), {})).toMatchObject({ code: 'missing_params' })
    expect(await errorOf(start(app), { from: 'one' })).toMatchObject({ code: 'invalid_params' })
    await resultOf(start(app), { from: 1 })
    expect(await resultOf(act(app, 5), {})).toEqual({ ui: 6, ended: false })
  })

  it('gives the token of each step, whose absence fails it', async () => {
    const auth = { provider: 'hub', type: 'OAuth2', with: 'access_token' }
    const app = makeApp({ act: (_data, _session, { authToken }) => ({ ui: authToken ?? null }) }, { auth })
    await resultOf(start(app), {}, { authToken: 't1' })
    expect(await resultOf(act(app), {}, { authToken: 't2' })).toMatchObject({ ui: 't2' })
    expect(await errorOf(act(app))).toMatchObject({ code: 'missing_token' })
  })

  it('takes the founding form of a step', async () => {
    const steps = [
      { ui_content: { category: 'text' }, app_state: 'one' },
      { ui_content: 'said nothing of its state' },
      { ui_content: 'the end', app_state: 'two', terminate: true },
    ] as unknown as AppStep[]
    const seen: unknown[] = []
    const app = makeApp({
      start: () => steps.shift() as AppStep,
      act(_data, { state }) {
        seen.push(state)
        return steps.shift() as AppStep
      },
    })
    expect(await resultOf(start(app))).toEqual({ ui: { category: 'text' }, ended: false })
    expect(await resultOf(act(app))).toEqual({ ui: 'said nothing of its state', ended: false })
    expect(await resultOf(act(app))).toEqual({ ui: 'the end', ended: true })
    expect(seen).toEqual(['one', 'one'])
    expect(await errorOf(act(app))).toMatchObject({ code: 'not_found' })
  })

  it('may have null for a state', async () => {
    const seen: unknown[] = []
    const app = makeApp({
      act(_data, { state }) {
        seen.push(state)
        return { ui: null, state: null }
      },
    })
    await resultOf(start(app))
    await resultOf(act(app))
    expect(await resultOf(act(app))).toEqual({ ui: null, ended: false })
    expect(seen).toEqual([0, null])
  })

  it('may end with its start', async () => {
    const app = makeApp({ start: () => ({ ui: 'nothing to do', ended: true }) })
    expect(await resultOf(start(app))).toEqual({ ui: 'nothing to do', ended: true })
    expect(await errorOf(act(app))).toMatchObject({ code: 'not_found' })
  })

  it('expires', async () => {
    const clock = vi.spyOn(performance, 'now')
    const at = (ms: number): void => void clock.mockReturnValue(ms)
    try {
      at(0)
      const app = makeApp({ act: () => Promise.reject(new Error('no')) }, { sessionTimeoutMs: 1_000 })
      await resultOf(start(app))
      // Its user is there, although the action fails.
      at(999)
      expect(await errorOf(act(app))).toMatchObject({ code: 'tool_error' })
      at(1_998)
      expect(await errorOf(act(app))).toMatchObject({ code: 'tool_error' })
      at(2_998)
      expect(await errorOf(act(app))).toMatchObject({ code: 'not_found' })
    } finally {
      clock.mockRestore()
    }
  })

  it('lasts half an hour unless its app says otherwise', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
    try {
      const app = makeApp({})
      await resultOf(start(app))
      clock.mockReturnValue(1_799_999)
      expect(await resultOf(act(app))).toMatchObject({ ui: 'next' })
      clock.mockReturnValue(2 * 1_800_000)
      expect(await errorOf(act(app))).toMatchObject({ code: 'not_found' })
    } finally {
      clock.mockRestore()
    }
  })
})

describe('a step that fails', () => {
  it.each([
    ['throws', () => Promise.reject(new Error('no'))],
    ['is no step', async () => 5 as unknown as AppStep],
    ['shows nothing', async () => ({ state: 7 }) as unknown as AppStep],
  ])('because it %s leaves the session as it was', async (_why, failing) => {
    const states: unknown[] = []
    const app = makeApp({
      act(data, { state }) {
        states.push(state)
        return data === 'fail' ? failing() : { ui: 'next', state: 'changed' }
      },
    })
    await resultOf(start(app))
    expect(await errorOf(act(app, 'fail'))).toMatchObject({ code: 'tool_error' })
    expect(await errorOf(act(app, 'fail'))).toMatchObject({ code: 'tool_error' })
    await resultOf(act(app))
    expect(await errorOf(act(app, 'fail'))).toMatchObject({ code: 'tool_error' })
    expect(states).toEqual([0, 0, 0, 'changed'])
  })

  it('opens no session when it is the first', async () => {
    const app = makeApp({ start: () => Promise.reject(new Error('out of order')) })
    expect(await errorOf(start(app))).toMatchObject({ code: 'tool_error', message: 'out of order' })
    expect(await errorOf(act(app))).toMatchObject({ code: 'not_found' })
  })

  it('ends the session when it is the last', async () => {
    const app = makeApp({ close: () => Promise.reject(new Error('still open')) })
    await resultOf(start(app))
    expect(await errorOf(close(app))).toMatchObject({ code: 'tool_error', message: 'still open' })
    expect(await errorOf(act(app))).toMatchObject({ code: 'not_found' })
  })
})

/** An app whose actions end when the test says so. */
function makeSlowApp() {
  const running: PromiseWithResolvers<AppStep>[] = []
  const states: unknown[] = []
  const begun: (() => void)[] = []
  const app = makeApp({
    act(_data, { state }) {
      states.push(state)
      const step = Promise.withResolvers<AppStep>()
      running.push(step)
      begun.shift()?.()
      return step.promise
    },
    close: ({ state }) => void states.push(`closed with ${state}`),
  })
  /** Settles with the next action. */
  const nextAction = (): Promise<void> => new Promise((resolve) => begun.push(resolve))
  return { app, running, states, nextAction }
}

describe('events of one session that come at once', () => {
  it('happen in the order they came', async () => {
    const { app, running, states, nextAction } = makeSlowApp()
    await resultOf(start(app))
    let action = nextAction()
    const outcomes = [resultOf(act(app)), resultOf(act(app)), resultOf(close(app)), errorOf(act(app))]
    for (const state of ['one', 'two']) {
      await action
      action = nextAction()
      running.shift()?.resolve({ ui: state, state })
    }
    expect(await Promise.all(outcomes)).toMatchObject([{ ui: 'one' }, { ui: 'two' }, null, { code: 'not_found' }])
    expect(states).toEqual([0, 'one', 'closed with two'])
  })

  it('are not found after an action that ends the session', async () => {
    const { app, running, nextAction } = makeSlowApp()
    await resultOf(start(app))
    const action = nextAction()
    const outcomes = [resultOf(act(app)), errorOf(act(app), {}, { exposeErrors: false })]
    await action
    running[0]?.resolve({ ui: 'the end', ended: true })
    expect(await Promise.all(outcomes)).toMatchObject([{ ended: true }, { code: 'not_found' }])
  })

  it('may be two starts: the later one holds', async () => {
    const states: unknown[] = []
    let count = 0
    const app = makeApp({
      async start() {
        count += 1
        return { ui: count, state: count }
      },
      act(_data, { state }) {
        states.push(state)
        return { ui: null }
      },
    })
    expect(await Promise.all([resultOf(start(app)), resultOf(start(app))])).toMatchObject([{ ui: 1 }, { ui: 2 }])
    await resultOf(act(app))
    expect(states).toEqual([2])
  })
})

describe('a step that is cancelled', () => {
  it('leaves the session as it was, however it ends later, and is not waited for', async () => {
    const { app, running, states, nextAction } = makeSlowApp()
    await resultOf(start(app))
    for (const late of [
      { ui: 'late', state: 'late' },
      { ui: 'late', ended: true },
    ]) {
      const signal = new Cancellation()
      let action = nextAction()
      const cancelled = errorOf(act(app), {}, { signal })
      await action
      signal.cancel('the user left')
      expect(await cancelled).toMatchObject({ code: 'cancelled' })
      action = nextAction()
      const next = resultOf(act(app))
      await action
      const [zombie, current] = running.splice(0)
      current?.resolve({ ui: 'next' })
      expect(await next).toEqual({ ui: 'next', ended: false })
      zombie?.resolve(late)
    }
    const action = nextAction()
    const last = resultOf(act(app))
    await action
    running[0]?.resolve({ ui: 'still there' })
    expect(await last).toMatchObject({ ui: 'still there' })
    expect(states).toEqual([0, 0, 0, 0, 0])
  })

  it('never reaches the app when it still waits for the one before', async () => {
    const { app, running, states, nextAction } = makeSlowApp()
    await resultOf(start(app))
    const action = nextAction()
    const first = resultOf(act(app))
    const signal = new Cancellation()
    const ended = Promise.withResolvers<void>()
    const second = errorOf(act(app), {}, { signal, onHandlerEnd: ended.resolve })
    await action
    signal.cancel('no longer wanted')
    expect(await second).toMatchObject({ code: 'cancelled' })
    // What holds its place among the toolkit's calls ends with it, although the first one still runs.
    await ended.promise
    running[0]?.resolve({ ui: 'done' })
    await first
    expect(states).toEqual([0])
  })

  it('opens no session when it is the first', async () => {
    const opening = Promise.withResolvers<AppStep>()
    const app = makeApp({ start: () => opening.promise })
    expect(await errorOf(start(app), {}, { timeoutMs: 1 })).toMatchObject({ code: 'deadline_exceeded' })
    opening.resolve({ ui: 'late' })
    await opening.promise
    expect(await errorOf(act(app))).toMatchObject({ code: 'not_found' })
  })
})

describe('an app that is defined wrongly', () => {
  const start = (): AppStep => ({ ui: null })
  it.each([
    [undefined, 'needs the functions start and act'],
    [{ start }, 'needs the functions start and act'],
    [{ act: start }, 'needs the functions start and act'],
  ])('is refused with the handlers %j', (handlers, message) => {
    expect(() => defineApp({ name: 'app', description: '' }, handlers as unknown as AppHandlers)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(message) }),
    )
  })

  it.each([0, -1, Number.NaN, '5'])('is refused with sessionTimeoutMs %j', (sessionTimeoutMs) => {
    expect(() => makeApp({}, { sessionTimeoutMs: sessionTimeoutMs as number })).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: 'App "app": sessionTimeoutMs must be above 0' }),
    )
  })

  it('is refused as a tool is', () => {
    expect(() => makeApp({}, { name: 'my app' })).toThrow(expect.objectContaining({ code: 'invalid_name' }))
  })
})
