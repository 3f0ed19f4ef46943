import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LLMClient } from '../../src/index.ts'
import { type AskedHttp, type EventServer, eventText, startEventServer, taskAnswer } from './event-server.ts'

const page = readFileSync(new URL('../../../../docs/calls.md', import.meta.url), 'utf8')
const [, ...samples] = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? '')

/** Runs what stands between two fences with a client, and returns what it printed. */
async function run(code: string, llm: LLMClient): Promise<unknown[]> {
  const printed: unknown[] = []
  const log = (...values: unknown[]): void => void printed.push(values)
  const body = stripTypeScriptTypes(`async function sample() {${code}}`)
  await new Function('llm', 'console', `${body}\nreturn sample()`)(llm, { log })
  return printed
}

const state = (status: string, more: object = {}) => ({
  call_id: 'c1',
  tool: 'write_report',
  status,
  started_at: 1_790_000_000_000,
  ...more,
})

/** Answers as a server whose tool tells all there is to tell. */
async function answer({ path, body, headers, json, stream, end }: AskedHttp): Promise<void> {
  if (path.endsWith('?wait_ms=25000')) json(200, state('succeeded', { result: 'report' }))
  else if (path.includes('/llm/calls/')) json(200, state('running'))
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
