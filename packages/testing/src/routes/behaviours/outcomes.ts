import { expect, vi } from 'vitest'
import { countsOf, expectError } from '../expectations.ts'
import { call, get, post } from '../http-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

/** How calls end. */
export const outcomeBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'error.message',
    says: 'answers 400 with the message of what a tool throws, at once or later',
    rules: ['outcome.refused', 'errors.thrown', 'errors.json'],
    async run(host) {
      for (const tool of ['throw_error', 'throw_later']) {
        expectError(await fail(host, tool), 400, 'tool_error', 'The warehouse is closed')
      }
    },
  },
  {
    id: 'error.no-stack',
    says: 'shows neither stack nor cause of what a tool throws',
    rules: ['errors.thrown'],
    async run(host) {
      for (const tool of ['throw_error', 'throw_tool_error']) {
        const { status, text } = await fail(host, tool)
        expect(status).toBe(400)
        expect(text).not.toContain('hunter2')
        expect(text).not.toMatch(/\bat .*:\d+|stack|cause/)
      }
    },
  },
  {
    id: 'error.long',
    says: 'cuts the message of what a tool throws at 2,000 characters',
    rules: ['errors.thrown'],
    async run(host) {
      const answer = await fail(host, 'throw_long')
      expectError(answer, 400, 'tool_error', /^Begin x+/)
      expect((answer.json as { error: string }).error).toHaveLength(2_000)
    },
  },
  {
    id: 'error.odd-throws',
    says: 'answers 400 whatever a tool throws',
    rules: ['outcome.refused', 'errors.thrown'],
    async run(host) {
      expectError(await fail(host, 'throw_text'), 400, 'tool_error', 'Just words')
      expectError(await fail(host, 'throw_nothing'), 400, 'tool_error')
      expectError(await fail(host, 'throw_forbidden'), 400, 'tool_error', 'The drive says no')
    },
  },
  {
    id: 'error.details',
    says: 'answers the details of a ToolError',
    rules: ['errors.thrown'],
    async run(host) {
      const answer = await fail(host, 'throw_tool_error')
      expectError(answer, 400, 'tool_error', 'Sold out')
      expect(answer.json).toMatchObject({ details: { sku: 'lamp-1' } })
    },
  },
  {
    id: 'error.masked',
    says: 'masks what a tool throws where exposeErrors is false, but not a ToolError',
    rules: ['errors.masked'],
    async run(host) {
      for (const tool of ['throw_error', 'throw_later', 'throw_text', 'throw_forbidden']) {
        const answer = await fail(host, tool, '/quiet')
        expectError(answer, 400, 'tool_error')
        expect(answer.text).not.toMatch(/warehouse|words|drive/)
      }
      expectError(await fail(host, 'throw_tool_error', '/quiet'), 400, 'tool_error', 'Sold out')
    },
  },
  {
    id: 'error.schema-defect',
    says: 'masks a schema that breaks as a defect',
    rules: ['outcome.defect', 'errors.masked', 'errors.json'],
    async run(host) {
      const answer = await post(host, '/public/atp/failures/broken_schema/', { note: 'x' })
      expectError(answer, 500, 'internal_error')
      expect(answer.text).not.toContain('hunter2')
    },
  },
  {
    id: 'error.env-defect',
    says: 'masks an env option that breaks as a defect',
    rules: ['outcome.defect', 'errors.masked', 'errors.json'],
    async run(host) {
      const answer = await post(host, '/broken/atp/shop/quote/', { sku: 'lamp-1' })
      expectError(answer, 500, 'internal_error')
      expect(answer.text).not.toContain('hunter2')
    },
  },
  {
    id: 'result.checked',
    says: 'answers 500 when a result does not fit its output schema',
    rules: ['errors.result', 'outcome.defect'],
    async run(host) {
      expectError(await fail(host, 'bad_output'), 500, 'invalid_result')
    },
  },
  {
    id: 'result.not-json',
    says: 'answers 500 when a result is not JSON',
    rules: ['errors.result', 'outcome.defect'],
    async run(host) {
      expectError(await fail(host, 'not_json'), 500, 'invalid_result')
    },
  },
  {
    id: 'result.too-large',
    says: 'answers 500 when a result is larger than 1 MiB of JSON',
    rules: ['errors.result'],
    async run(host) {
      expectError(await fail(host, 'too_large'), 500, 'result_too_large')
    },
  },
  {
    id: 'result.nothing',
    says: 'answers null for a tool that returns nothing',
    rules: ['route.run'],
    async run(host) {
      const answer = await fail(host, 'nothing')
      expect([answer.status, answer.json]).toEqual([200, { result: null }])
    },
  },
  {
    id: 'deadline.504',
    says: 'answers 504 when the deadline passes, and tells the tool',
    rules: ['outcome.deadline', 'errors.json'],
    async run(host) {
      const id = crypto.randomUUID()
      const answer = await post(host, '/public/atp/probe/wait_briefly/', { id })
      expectError(answer, 504, 'deadline_exceeded')
      expect(answer.json).toMatchObject({ retryable: true })
      expect(await countsOf(host, id)).toMatchObject({ started: 1, aborted: 1, ended: 1 })
    },
  },
  {
    id: 'busy.429',
    says: 'answers 429 with Retry-After while as many calls run as may, and runs the next one afterwards',
    rules: ['outcome.busy', 'errors.json'],
    async run(host) {
      const leave = await occupy(host)
      try {
        for (const accept of ['application/json', 'text/event-stream']) {
          const answer = await post(host, '/busy/atp/probe/echo/', {}, { accept })
          expectError(answer, 429, 'busy')
          expect(answer.json).toMatchObject({ retryable: true })
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
        }
      } finally {
        await leave()
      }
      expect(await call(host, '/busy/atp/probe/echo/', {})).toMatchObject({ args: {} })
    },
  },
  {
    id: 'busy.metadata',
    says: 'tells metadata while it is busy, and other mounts run tools',
    rules: ['outcome.busy', 'mounts.several'],
    async run(host) {
      const leave = await occupy(host)
      try {
        expect((await get(host, '/busy/atp/probe/wait/')).status).toBe(200)
        expect((await get(host, '/busy/utcp')).status).toBe(200)
        expect(await call(host, '/public/atp/probe/echo/', {})).toMatchObject({ args: {} })
      } finally {
        await leave()
      }
    },
  },
  {
    id: 'busy.freed',
    says: 'counts no call that was refused, failed or is over',
    rules: ['outcome.busy'],
    async run(host) {
      const accepts = [{}, { accept: 'text/event-stream' }]
      for (const headers of accepts as Record<string, string>[]) {
        expect((await post(host, '/busy/atp/probe/none/', {}, headers)).status).toBe(404)
        expect((await post(host, '/busy/atp/probe/report/', {}, headers)).status).toBe(400)
        expect((await post(host, '/busy/atp/probe/report/', { id: 5 }, headers)).status).toBe(400)
        expect((await post(host, '/busy/atp/probe/wait_briefly/', { id: 'x' }, headers)).status).toBeOneOf([200, 504])
        expect((await post(host, '/busy/atp/streams/fail_later/', {}, headers)).status).toBeOneOf([200, 400])
        expect((await post(host, '/busy/atp/streams/count/', { to: 3 }, headers)).status).toBe(200)
      }
      expect(await call(host, '/busy/atp/probe/echo/', {})).toMatchObject({ args: {} })
    },
  },
  {
    id: 'busy.abandoned',
    says: 'counts a tool that ignores its deadline until it really ends',
    rules: ['outcome.busy', 'outcome.deadline'],
    async run(host) {
      const id = crypto.randomUUID()
      expectError(await post(host, '/busy/atp/probe/stubborn/', { id }), 504, 'deadline_exceeded')
      expectError(await post(host, '/busy/atp/probe/echo/', {}), 429, 'busy')
      await call(host, '/public/atp/probe/release/', { id })
      await vi.waitFor(() => call(host, '/busy/atp/probe/echo/', {}), { timeout: 15_000 })
      expect(await countsOf(host, id)).toMatchObject({ started: 1, ended: 1 })
    },
  },
]

function fail(host: RoutesHost, tool: string, mount = '/public'): ReturnType<typeof post> {
  return post(host, `${mount}/atp/failures/${tool}/`, {})
}

/** Takes the only slot of the mount `busy`; what it returns gives the slot back. */
async function occupy(host: RoutesHost): Promise<() => Promise<void>> {
  const id = crypto.randomUUID()
  const running = call(host, '/busy/atp/probe/work/', { id })
  // Whoever gives the slot back sees how the call ended; until then nobody looks.
  running.catch(() => {})
  await vi.waitFor(async () => expect(await countsOf(host, id)).toMatchObject({ started: 1 }), { timeout: 15_000 })
  return async () => {
    await call(host, '/public/atp/probe/release/', { id })
    expect(await running).toBe('released')
  }
}
