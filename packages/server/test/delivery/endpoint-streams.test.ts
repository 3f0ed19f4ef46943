import { type ToolDescriptor, Toolkit } from '@atp/core'
import { describe, expect, it, vi } from 'vitest'
import type { CallPart } from '../../src/calls/call.ts'
import { given, serveAnswers, serveToolkit, withoutBackoff } from './endpoint-support.ts'

const tool: ToolDescriptor = {
  ...{ name: 'tool', description: '', inputSchema: { type: 'object' }, auth: null, annotations: {}, tags: [] },
}
const idempotent: ToolDescriptor = { ...tool, annotations: { idempotent: true } }

/** Collects what a caller hears before the outcome. */
function listener(): { parts: CallPart[]; onPart: (part: CallPart) => void } {
  const parts: CallPart[] = []
  return { parts, onPart: (part) => void parts.push(part) }
}

describe('a stream from an endpoint', () => {
  it('brings progress and pieces in order, then the result', async () => {
    const { send, key } = await given()
    const toolkit = new Toolkit({ appName: 'shop', apiKey: key.key })
    toolkit.registerTool({ name: 'tool', description: '' }, async function* (_args, { progress }) {
      progress(1)
      yield 'a'
      yield 'ü'
      return 'end'
    })
    const url = await serveToolkit(toolkit)
    const { parts, onPart } = listener()
    expect(await send(url, { tool, onPart }).outcome).toEqual({ ok: true, result: 'end' })
    expect(parts).toEqual([
      { type: 'progress', progress: 1 },
      { type: 'chunk', sequence: 0, data: 'a' },
      { type: 'chunk', sequence: 1, data: 'ü' },
    ])
    // Nobody asked for the pieces, so the answer is plain.
    expect(await send(url, { tool }).outcome).toEqual({ ok: true, result: 'end' })
  })

  it('fails as the tool does, before its first piece and after it', async () => {
    const { send, key } = await given()
    const toolkit = new Toolkit({ appName: 'shop', apiKey: key.key })
    toolkit.registerTool({ name: 'tool', description: '', params: ['late'] }, async function* ({ late }) {
      if (late === true) yield 'a'
      throw new Error('sold out')
    })
    const url = await serveToolkit(toolkit)
    for (const late of [true, false]) {
      const outcome = send(url, { tool, params: { late }, onPart: () => {} }).outcome
      expect(await outcome).toMatchObject({ error: { code: 'tool_error', message: 'sold out' } })
    }
    const wrong = send(url, { tool: { ...tool, name: 'none' }, onPart: () => {} }).outcome
    expect(await wrong).toMatchObject({ error: { code: 'tool_not_found' } })
  })

  const events = (...lines: string[]): string => lines.map((line) => `${line}\n\n`).join('')
  const sse = { 'content-type': 'text/event-stream; charset=utf-8' }

  it('that breaks before its first piece is asked for again where the tool may run twice', async () => {
    withoutBackoff()
    const { send } = await given()
    const { url } = await serveAnswers((_request, response, count) => {
      response.writeHead(200, sse)
      if (count === 1) response.write(': heartbeat\n\n', () => response.destroy())
      else response.end(events('event: chunk\ndata: 1', 'event: result\ndata: {"result":2}'))
    })
    const { parts, onPart } = listener()
    expect(await send(url, { tool: idempotent, onPart }).outcome).toEqual({ ok: true, result: 2 })
    expect(parts).toEqual([{ type: 'chunk', sequence: 0, data: 1 }])
  })

  it('that breaks after a piece is not asked for again: its caller would get that piece twice', async () => {
    withoutBackoff()
    const { send } = await given()
    const { url, seen } = await serveAnswers((_request, response) => {
      response.writeHead(200, sse).end(events('event: chunk\ndata: 1'))
    })
    const { onPart } = listener()
    const { outcome, call } = send(url, { tool: idempotent, onPart })
    expect(await outcome).toMatchObject({ error: { code: 'toolkit_disconnected' } })
    expect([call.state, seen.length]).toEqual(['outcome_unknown', 1])
  })

  it.each([
    ['an event without an end', `event: chunk\ndata: ${'x'.repeat(200_000)}`, 'result_too_large'],
    ['a result above the limit', events(`event: result\ndata: {"result":"${'x'.repeat(10_000)}"}`), 'result_too_large'],
    ['a result that is none', events('event: result\ndata: {"res'), 'invalid_result'],
    ['an error that is none', events('event: error\ndata: {"code":"what"}'), 'invalid_result'],
    ['an error of its key', events('event: error\ndata: {"error":"a","code":"unauthorized"}'), 'tool_error'],
  ])('that ends with %s fails', async (_what, text, code) => {
    const { send } = await given()
    const { url } = await serveAnswers((_request, response) => response.writeHead(200, sse).end(text))
    expect(await send(url, { tool, onPart: () => {} }).outcome).toMatchObject({ error: { code } })
  })

  it('has ended with its outcome, whatever comes after that', async () => {
    const { send } = await given()
    const { promise: closed, resolve: onClose } = Promise.withResolvers<void>()
    const { url } = await serveAnswers((_request, response) => {
      response.on('close', onClose).writeHead(200, sse).write(events('event: result\ndata: {"result":2}'))
    })
    expect(await send(url, { tool, onPart: () => {} }).outcome).toEqual({ ok: true, result: 2 })
    await closed
  })

  it('may say what nobody knows, and pieces that nobody can read', async () => {
    const { send } = await given()
    const { url } = await serveAnswers((_request, response) => {
      const odd = ['event: news\ndata: 1', 'event: chunk\ndata: {', 'data: 5', 'event: chunk\ndata: 1']
      response.writeHead(200, sse).end(events(...odd, 'event: result\ndata: {"result":2}'))
    })
    const { parts, onPart } = listener()
    expect(await send(url, { tool, onPart }).outcome).toEqual({ ok: true, result: 2 })
    expect(parts).toEqual([{ type: 'chunk', sequence: 0, data: 1 }])
  })
})

describe('cancelling', () => {
  it.each([true, false])('reaches the signal of the tool (as a stream: %s)', async (streams) => {
    const { send, key, delivery } = await given()
    const state = { started: false, aborted: false }
    const toolkit = new Toolkit({ appName: 'shop', apiKey: key.key })
    toolkit.registerTool({ name: 'tool', description: '' }, (_args, { signal }) => {
      state.started = true
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          state.aborted = true
          reject(signal.reason)
        })
      })
    })
    const url = await serveToolkit(toolkit)
    const { call, outcome } = send(url, { tool, ...(streams ? { onPart: () => {} } : {}) })
    await vi.waitFor(() => expect(state.started).toBe(true))
    call.fail({ code: 'cancelled', message: 'enough', retryable: false })
    delivery.cancel(call, 'enough')
    await vi.waitFor(() => expect(state.aborted).toBe(true), { timeout: 1_000 })
    expect(await outcome).toMatchObject({ error: { code: 'cancelled' } })
  })

  it('ends the wait for the next attempt, which is not made', async () => {
    const { send, delivery, logged } = await given()
    const { url, seen } = await serveAnswers((_request, response) => response.writeHead(500).end())
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const { call, outcome } = send(url, { tool: idempotent })
    await vi.waitFor(() => expect(logged).toHaveLength(1))
    call.fail({ code: 'cancelled', message: 'enough', retryable: false })
    delivery.cancel(call, 'enough')
    random.mockRestore()
    await outcome
    await vi.waitFor(() => expect(send(url).refusal).toBeUndefined())
    expect(seen.filter(({ headers }) => String(headers['webhook-id']).startsWith(call.id))).toHaveLength(1)
  })

  it('passes over calls it does not know', async () => {
    const { send, delivery } = await given()
    expect(() => delivery.cancel(send(null).call, 'test')).not.toThrow()
  })
})
