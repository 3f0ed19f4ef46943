import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo-server.ts'
import { runAtp } from '../run-atp.ts'

let demo: Demo
beforeAll(async () => {
  demo = await startDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

function atp(...args: string[]) {
  return runAtp(args, { env: { ATP_DATA: demo.folder } })
}

describe('atp calls list', () => {
  it('says that there are none', async () => {
    const { code, stdout, stderr } = await atp('calls', 'list')
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: 'There are no such calls.\n' })
  })

  it('lists calls newest first, by toolkit, tool, status, limit and page', async () => {
    await atp('call', 'demo', 'greet', 'name=A')
    await atp('call', 'demo', 'fail')
    await atp('call', 'demo', 'greet', 'name=B')
    const list = async (...args: string[]) => JSON.parse((await atp('calls', 'list', '--json', ...args)).stdout).calls
    const all = await list()
    expect(all.map((call: { tool: string }) => call.tool)).toEqual(['greet', 'fail', 'greet'])
    expect(all[1]).toMatchObject({
      id: expect.any(String),
      toolkit: 'demo',
      status: 'failed',
      error_code: 'tool_error',
      started_at: expect.any(Number),
      duration_ms: expect.any(Number),
    })
    expect(await list('--toolkit', 'demo', '--tool', 'greet', '--limit', '1')).toEqual([all[0]])
    expect(await list('--status', 'failed')).toEqual([all[1]])
    expect(await list('--before', all[1].id)).toEqual([all[2]])

    const table = (await atp('calls', 'list')).stdout
    expect(table).toMatch(/^STARTED +TOOLKIT +TOOL +STATUS +ERROR +MS +ID\n/)
    expect(table).toMatch(/\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +demo +fail +failed +tool_error +\d+\.\d +[0-9a-f-]{36}\n/)
  })

  it('says that a toolkit is unknown', async () => {
    const { code, stderr } = await atp('calls', 'list', '--toolkit', 'unknown')
    expect(code).toBe(1)
    expect(stderr).toContain('(toolkit_not_found)')
  })
})
