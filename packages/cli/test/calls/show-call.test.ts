import { expect, it } from 'vitest'
import { runHere } from '../run-here.ts'
import { at, serveAdminRoutes } from './admin-routes.ts'

const call = {
  id: 'call-1',
  toolkit_id: 'toolkit-1',
  toolkit: 'demo',
  tool: 'greet',
  key_id: 'key-1',
  delivery: 'inbox',
  status: 'delivery_failed',
  error_code: 'delivery_failed',
  started_at: Date.UTC(2026, 7, 1, 14, 5, 9),
  duration_ms: 61_000.5,
  deliveries: 5,
  retried_as: null,
}

it('shows all members of a call, also those it does not know', async () => {
  const server = await serveAdminRoutes({ 'GET /api/v2/calls/call-1': call })
  const { code, stdout } = await runHere('calls', 'show', 'call-1', ...at(server))
  expect(code).toBe(0)
  const lines = Object.fromEntries(stdout.split('\n').map((line) => line.split(/ {2,}/, 2)))
  expect(lines).toMatchObject({
    id: 'call-1',
    toolkit: 'demo (toolkit-1)',
    tool: 'greet',
    status: 'delivery_failed',
    error: 'delivery_failed',
    delivery: 'inbox',
    took: '61000.5 ms',
    key: 'key-1',
    deliveries: '5',
  })
  expect(lines.started).toContain('(2026-08-01T14:05:09.000Z)')
  expect(lines.ended).toContain('(2026-08-01T14:06:10.000Z)')
  expect(stdout).not.toContain('retried')
})

it('gives the same as JSON', async () => {
  const server = await serveAdminRoutes({ 'GET /api/v2/calls/call-1': call })
  const { stdout } = await runHere('calls', 'show', 'call-1', '--json', ...at(server))
  expect(JSON.parse(stdout)).toEqual(call)
})

it('shows nothing that could rewrite the terminal', async () => {
  const server = await serveAdminRoutes({
    'GET /api/v2/calls/call-1': { ...call, toolkit: 'a\u001b[2J', note: '\u009b\nid' },
  })
  const { stdout } = await runHere('calls', 'show', 'call-1', ...at(server))
  expect(stdout).toContain('a\\u001b[2J')
  expect(stdout).toContain('note        \\u009b\\u000aid')
})
