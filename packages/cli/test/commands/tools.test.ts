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

describe('atp tools list', () => {
  it('prints tools as a table, one line each, without control characters', async () => {
    const { code, stdout, stderr } = await atp('tools', 'list', '--toolkit', 'demo')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(7)
    expect(lines[1]).toMatch(/^greet +name times\? +- +Greets somebody$/)
    expect(lines[3]).toMatch(/^token_length +- +hub OAuth2 +Needs a token$/)
    expect(lines[4]).toMatch(/^noise +- +- +\\u001b\[31mred\\u202e$/)
  })

  it('prints them with their schemas with --json', async () => {
    const { stdout } = await atp('tools', 'list', '--toolkit', 'demo', '--json')
    const { tools } = JSON.parse(stdout)
    expect(tools[0]).toMatchObject({
      name: 'greet',
      params: ['name', 'times'],
      required_params: ['name'],
      input_schema: { type: 'object', properties: { name: { type: 'string' } } },
    })
  })

  it('says that a toolkit is unknown', async () => {
    const { code, stdout } = await atp('tools', 'list', '--toolkit', 'unknown', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'toolkit_not_found' })
  })
})
