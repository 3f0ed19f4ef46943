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

describe('atp toolkits list', () => {
  it('prints toolkits as a table', async () => {
    const { code, stdout, stderr } = await atp('toolkits', 'list')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^NAME +TOOLS +CONNECTED +UPDATED +SLUG +ID\n/)
    expect(stdout).toMatch(/\ndemo +6 +1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +demo +[0-9a-f-]{36}\n/)
  })

  it('prints them as the server answers with --json', async () => {
    const { stdout } = await atp('toolkits', 'list', '--json')
    expect(JSON.parse(stdout)).toEqual({
      toolkits: [
        {
          id: expect.any(String),
          name: 'demo',
          slug: 'demo',
          caption: 'Tools to try',
          connected: 1,
          tool_count: 6,
          created_at: expect.any(Number),
          updated_at: expect.any(Number),
        },
      ],
    })
  })
})
