import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { invokeTool } from '../../src/dispatch/invoke-tool.ts'
import { LLMClient, Toolkit } from '../../src/index.ts'
import type { AppEvent } from '../../src/protocol/frames.ts'
import { type AskedHttp, type EventServer, eventText, startEventServer, taskAnswer } from './event-server.ts'

const page = readFileSync(new URL('../../../../docs/calls.md', import.meta.url), 'utf8')
const [, ...samples] = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? '')

const toolkit = new Toolkit({ appName: 'shop' })
let printed: unknown[] = []

/** Runs what stands between two fences with a client and a toolkit, and returns what was printed meanwhile. */
async function run(code: string, llm: LLMClient): Promise<unknown[]> {
  printed = []
  const log = (...values: unknown[]): void => void printed.push(values)
  const body = stripTypeScriptTypes(`async function sample() {${code}}`)
  await new Function('llm', 'toolkit', 'z', 'console', `${body}\nreturn sample()`)(llm, toolkit, z, { log })
  return printed
}

const cart = (...items: string[]) => ({ category: 'display', component_type: 'list', props: { items } })
const state = (status: string, more: object = {}) => ({
  call_id: 'c1',
  tool: 'write_report',
  status,
  started_at: 1_790_000_000_000,
  ...more,
})

/** What the toolkit answers when something happens in a session. */
async function runApp({ app, payload }: Record<string, unknown>): Promise<unknown> {
  const { session_id: sessionId, event, data } = app as { session_id: string } & AppEvent
  const { function: name, parameters } = payload as { function: string; parameters: unknown }
  const tool = toolkit.registeredTools.get(name)?.app?.toolFor({ sessionId, event, data })
  if (!tool) throw new Error(`There is no app "${name}"`)
  const outcome = await invokeTool(tool, parameters, { callId: 'c1' })
  if (!outcome.ok) throw new Error(outcome.error.message)
  return JSON.parse(outcome.json)
}

/** Answers as a server whose tool tells all there is to tell. */
async function answer({ path, body, headers, json, stream, end }: AskedHttp): Promise<void> {
  if (path.endsWith('?wait_ms=25000')) json(200, state('succeeded', { result: 'report' }))
  else if (path.includes('/llm/calls/')) json(200, state('running'))
  else if (body.app) json(200, taskAnswer(await runApp(body)))
  else if (body.detach) json(202, { type: 'task_accepted', request_id: 'r1', call_id: 'c1' })
  else if (headers.accept?.includes('text/event-stream')) {
    const parts = [
      eventText(1, 'call', { call_id: 'c1' }),
      eventText(2, 'progress', { progress: 0.5 }),
      eventText(3, 'chunk', { sequence: 0, data: 'page 1' }),
      eventText(4, 'answer', taskAnswer('report')),
    ]
    await stream(parts.join(''))
    end()
  } else json(200, taskAnswer({ key: body.idempotency_key, user: body.external_user_id }))
}

describe('the samples of docs/calls.md', () => {
  let server: EventServer
  let llm: LLMClient

  beforeAll(async () => {
    server = await startEventServer()
    llm = new LLMClient({ apiKey: 'k', baseUrl: server.baseUrl, protocol: 'http' })
    void (async () => {
      for (;;) await answer(await server.asked.next())
    })()
  })
  afterAll(async () => {
    await llm.close()
    await server.stop()
  })

  const output = [
    [
      ['progress', 0.5],
      ['chunk', 0, 'page 1'],
      ['result', 'report'],
    ],
    [
      ['a', 'page 1'],
      ['a', 'done'],
      ['b', 'page 1'],
      ['b', 'done'],
    ],
    [['running', '2026-09-21T14:13:20.000Z'], ['report']],
    [['a', 'c1']],
    [[{ key: 'order-4711', user: 'customer-12' }]],
    [],
    [[cart('book')], [cart('book', 'pen')], [false], ['closed with', 2]],
  ]

  it.each(output.map((lines, index) => [index + 2, lines] as const))(
    'number %i prints what it says',
    async (number, lines) => {
      const printed = await run(samples[number - 2] ?? '', llm)
      // Calls that run together end in any order.
      expect(printed.toSorted((one, other) => String(one).localeCompare(String(other)))).toEqual(
        lines.toSorted((one, other) => String(one).localeCompare(String(other))),
      )
    },
  )

  it('are all run', () => {
    expect(samples).toHaveLength(output.length)
  })
})
