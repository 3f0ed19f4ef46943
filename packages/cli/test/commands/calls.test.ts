import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo-server.ts'
import { runAtp, startAtp } from '../run-atp.ts'
import { runHere } from '../run-here.ts'

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
    const here = async (...args: string[]) => (await runHere('calls', ...args, '--data', demo.folder)).stdout
    const list = async (...args: string[]) => JSON.parse(await here('list', '--json', ...args)).calls
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
    expect(table).toMatch(/^STARTED +TOOLKIT +TOOL +STATUS +ERROR +MS +DELIVERY +ID\n/)
    expect(table).toMatch(
      /\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +demo +fail +failed +tool_error +\d+\.\d +socket +[0-9a-f-]{36}\n/,
    )
    expect(await list('--error', 'tool_error', '--delivery', 'socket')).toEqual([all[1]])
    expect(await list('--delivery', 'inbox')).toEqual([])
    expect(await list('--since', '1h')).toEqual(all)
    expect(await list('--since', new Date(Date.now() + 60_000).toISOString())).toEqual([])

    const shown = await here('show', all[1].id)
    expect(shown).toContain(`id        ${all[1].id}\n`)
    expect(shown).toContain('status    failed\nerror     tool_error\n')
    expect(JSON.parse(await here('show', all[1].id, '--json'))).toEqual(all[1])
  })

  it('says that a toolkit is unknown', async () => {
    const { code, stderr } = await atp('calls', 'list', '--toolkit', 'unknown')
    expect(code).toBe(1)
    expect(stderr).toContain('(toolkit_not_found)')
  })
})

it.each([
  ['--since', 'yesterday'],
  ['--error', 'odd'],
  ['--delivery', 'pigeon'],
  ['--limit', '0'],
])('refuses %s %s as wrong usage', async (flag, value) => {
  const { code, stdout, stderr } = await atp('calls', 'list', flag, value)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(flag)
})

describe('atp calls tail', () => {
  it('prints calls as they end, one a line, and ends with 0 at Ctrl-C', async () => {
    const tail = startAtp(['calls', 'tail', '--tool', 'fail', '--json'], { env: { ATP_DATA: demo.folder } })
    // Calls go on until it follows them: nothing else tells when that is.
    const calling = new AbortController()
    const calls = (async () => {
      while (!calling.signal.aborted) {
        await runHere('call', 'demo', 'greet', 'name=A', '--data', demo.folder)
        await runHere('call', 'demo', 'fail', '--data', demo.folder)
      }
    })()
    const first = JSON.parse(await tail.firstLine)
    calling.abort()
    await calls
    tail.child.kill('SIGINT')
    const { code, stdout, stderr } = await tail.finished
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(first).toMatchObject({ tool: 'fail', toolkit: 'demo', status: 'failed', error_code: 'tool_error' })
    const tools = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).tool)
    expect(new Set(tools)).toEqual(new Set(['fail']))
  })

  it('fails at once for an unknown toolkit', async () => {
    const { code, stderr } = await atp('calls', 'tail', '--toolkit', 'unknown')
    expect(code).toBe(1)
    expect(stderr).toContain('(toolkit_not_found)')
  })
})

it('atp calls dead finds the routes of a real server', async () => {
  const none = await runHere('calls', 'dead', 'list', '--data', demo.folder)
  expect(none).toEqual({ code: 0, stdout: '', stderr: 'There are no dead calls.\n' })
  for (const verb of ['retry', 'drop']) {
    const { code, stderr } = await runHere('calls', 'dead', verb, 'unknown', '--data', demo.folder)
    expect(code).toBe(1)
    expect(stderr).toMatch(/unknown.*\(not_found\)/)
  }
})
