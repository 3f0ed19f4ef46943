import { describe, expect, it } from 'vitest'
import { runHere } from '../run-here.ts'
import { at, serveAdminRoutes } from './admin-routes.ts'

const dead = {
  id: 'call-1',
  toolkit: 'demo',
  tool: 'greet',
  deliveries: 5,
  created_at: 0,
  retried_as: null,
}

describe('atp calls dead list', () => {
  it('shows dead calls, which were made calls again, and where older ones are', async () => {
    const calls = [dead, { ...dead, id: 'call-0', retried_as: 'call-9' }]
    const server = await serveAdminRoutes({ 'GET /api/v2/calls/dead': { calls, next_before: 'call-0' } })
    const { code, stdout, stderr } = await runHere('calls', 'dead', 'list', '--limit', '2', ...at(server))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ACCEPTED +TOOLKIT +TOOL +DELIVERIES +RETRIED AS +ID\n/)
    expect(stdout).toMatch(/ demo +greet +5 +- +call-1\n/)
    expect(stdout).toMatch(/ demo +greet +5 +call-9 +call-0\n/)
    expect(stderr).toBe('For older ones: --before call-0\n')
    expect(server.asked).toEqual(['GET /api/v2/calls/dead?limit=2'])
  })

  it('gives all members as JSON', async () => {
    const body = { calls: [{ ...dead, toolkit_id: 'toolkit-1' }], next_before: null }
    const server = await serveAdminRoutes({ 'GET /api/v2/calls/dead': body })
    const { stdout } = await runHere('calls', 'dead', 'list', '--json', ...at(server))
    expect(JSON.parse(stdout)).toEqual(body)
  })

  it('says that there are none', async () => {
    const server = await serveAdminRoutes({ 'GET /api/v2/calls/dead': { calls: [], next_before: null } })
    const { stdout, stderr } = await runHere('calls', 'dead', 'list', ...at(server))
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: 'There are no dead calls.\n' })
  })
})

describe('atp calls dead retry', () => {
  it('prints the id of the new call alone', async () => {
    const server = await serveAdminRoutes({ 'POST /api/v2/calls/dead/call-1/retry': { call_id: 'call-9' } })
    const { code, stdout, stderr } = await runHere('calls', 'dead', 'retry', 'call-1', ...at(server))
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'call-9\n',
      stderr: 'Call call-1 is delivered again as call-9.\n',
    })
  })

  it('says that there is no such call', async () => {
    const server = await serveAdminRoutes({})
    const { code, stdout, stderr } = await runHere('calls', 'dead', 'retry', 'a/../b', ...at(server))
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: There is no such call (not_found)\n',
    })
    expect(server.asked).toEqual(['POST /api/v2/calls/dead/a%2F..%2Fb/retry'])
  })
})

describe('atp calls dead drop', () => {
  it.each([null, { id: 'call-1' }])('says that it is done, whether the server answers %o', async (answer) => {
    const server = await serveAdminRoutes({ 'DELETE /api/v2/calls/dead/call-1': answer })
    const { code, stdout } = await runHere('calls', 'dead', 'drop', 'call-1', ...at(server))
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Dropped the dead call call-1.\n' })
    const json = await runHere('calls', 'dead', 'drop', 'call-1', '--json', ...at(server))
    expect(JSON.parse(json.stdout)).toEqual({ id: 'call-1', dropped: true })
  })
})
