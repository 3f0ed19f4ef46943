import { describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Rule T9: whoever loses the connection of a stream may come back for the rest. */

interface Events {
  /** Reads until a text was seen; returns all that was read. */
  until(text: string): Promise<string>
  cut(): Promise<void>
}

function eventsOf(answer: Response): Events {
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let read = ''
  return {
    async until(text) {
      while (!read.includes(text)) {
        const { done, value } = await reader.read()
        if (done) throw new Error(`The stream ended without ${text}: ${read}`)
        read += decoder.decode(value, { stream: true })
      }
      return read
    },
    cut: () => reader.cancel(),
  }
}

function call(server: TestServer): Promise<Response> {
  return fetch(`${server.url}/api/v1/atp/llm-client/process/`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.keys.llmKey}`,
      'content-type': 'application/json',
      accept: 'text/event-stream, application/vnd.atp+json',
    },
    body: JSON.stringify({
      ...{ type: 'task_request', request_id: 'r', toolkit_id: 'steps', stream: true },
      payload: { function: 'walk', parameters: {} },
    }),
  })
}

function resume(
  server: TestServer,
  callId: string,
  after: number,
  key: string = server.keys.llmKey,
): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'last-event-id': `${after}` }
  return fetch(`${server.url}/api/v2/llm/calls/${callId}/events`, { headers })
}

describe('the events of a call', () => {
  it('go on after the one that was read last, and for no other key', async () => {
    await using server = await startTestServer()
    const goOn = Promise.withResolvers<void>()
    const toolkit = await server.toolkit({ appName: 'steps' })
    toolkit.registerTool({ name: 'walk', description: '' }, async function* () {
      yield 'left'
      yield 'right'
      await goOn.promise
      yield 'last'
    })
    await toolkit.start()
    const first = eventsOf(await call(server))
    const read = await first.until('"right"')
    await first.cut()
    const callId = /"call_id":"([^"]+)"/.exec(read)?.[1] ?? ''
    const event = read.split('\n\n').find((text) => text.includes('"left"'))
    const idOfLeft = Number(/^id: (\d+)$/m.exec(event ?? '')?.[1])
    const other = await server.server.createKey({ kind: 'llm', name: 'another' })
    const foreign = await resume(server, callId, idOfLeft, other.key)
    expect(foreign.status).toBe(410)
    const second = eventsOf(await resume(server, callId, idOfLeft))
    goOn.resolve()
    const rest = await second.until('event: answer')
    expect([...rest.matchAll(/"(left|right|last)"/g)].map(([, step]) => step).slice(0, 2)).toEqual(['right', 'last'])
    expect([...rest.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([1, 2, 3].map((n) => idOfLeft + n))
  })

  it('are gone for a call that nobody knows', async () => {
    await using server = await startTestServer()
    const answer = await resume(server, 'unknown', 0)
    expect([answer.status, await answer.json()]).toEqual([410, expect.objectContaining({ code: 'gone' })])
  })
})
