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
    expect(stdout).toMatch(/^NAME +TOOLS +CONNECTED +STORE +UPDATED +SLUG +ID\n/)
    expect(stdout).toMatch(/\ndemo +6 +1 +private +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +demo +[0-9a-f-]{36}\n/)
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
          endpoint_url: null,
          published_at: null,
          created_at: expect.any(Number),
          updated_at: expect.any(Number),
        },
      ],
    })
  })
})

describe('atp toolkits publish and unpublish', () => {
  it('put a toolkit into the store, and take it out again', async () => {
    const published = await atp('toolkits', 'publish', 'demo')
    expect(published).toMatchObject({ code: 0, stdout: 'Toolkit "demo" is published\n' })
    expect((await atp('toolkits', 'list')).stdout).toMatch(/\ndemo +6 +1 +published /)
    const { stdout } = await atp('toolkits', 'unpublish', 'demo', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ name: 'demo', published_at: null })
    expect((await atp('toolkits', 'list')).stdout).toMatch(/\ndemo +6 +1 +private /)
  })

  it('say that there is no such toolkit', async () => {
    const { code, stderr } = await atp('toolkits', 'publish', 'nobody')
    expect(code).not.toBe(0)
    expect(stderr).toContain('There is no toolkit "nobody"')
  })
})

describe('atp toolkits set-endpoint', () => {
  it('says where calls are posted to, and takes it away again', async () => {
    const made = await atp('keys', 'create', '--kind', 'toolkit', '--name', 'edge')
    expect(made.code).toBe(0)
    const url = 'https://edge.example.com/api'
    const set = await atp('toolkits', 'set-endpoint', 'edge', url)
    expect(set).toMatchObject({ code: 0, stdout: `Calls of toolkit "edge" are posted below ${url}\n`, stderr: '' })
    expect((await atp('toolkits', 'list')).stdout).toMatch(/\nedge +0 +endpoint +private /)
    const { stdout } = await atp('toolkits', 'set-endpoint', 'edge', url, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ name: 'edge', endpoint_url: url })
    const none = await atp('toolkits', 'set-endpoint', 'edge', '--none')
    expect(none).toMatchObject({ code: 0, stdout: 'Toolkit "edge" has no endpoint\n' })
    expect((await atp('toolkits', 'list')).stdout).toMatch(/\nedge +0 +no +private /)
  })

  it('says what is wrong with a URL, and that there is no such toolkit', async () => {
    const wrong = await atp('toolkits', 'set-endpoint', 'demo', 'http://example.com')
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('must be https')])
    const missing = await atp('toolkits', 'set-endpoint', 'nobody', 'https://example.com')
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('There is no toolkit "nobody"')])
  })

  it.each([[['demo']], [['demo', 'https://example.com', '--none']], [[]]])(
    'is written wrongly with %j',
    async (args) => {
      expect((await atp('toolkits', 'set-endpoint', ...args)).code).toBe(2)
    },
  )
})
