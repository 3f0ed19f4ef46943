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

describe('atp context', () => {
  it.each([
    ['openai', { type: 'function', name: 'greet', parameters: expect.any(Object) }],
    ['openai-chat', { type: 'function', function: expect.objectContaining({ name: 'greet' }) }],
    ['anthropic', { name: 'greet', input_schema: expect.objectContaining({ type: 'object' }) }],
    ['openai-strict', { type: 'function', name: 'greet', strict: true }],
    ['openai-chat-strict', { type: 'function', function: expect.objectContaining({ strict: true }) }],
    ['mistralai', { type: 'function', function: expect.objectContaining({ name: 'greet' }) }],
  ])('prints the context object for %s with --json', async (provider, tool) => {
    const args = ['context', 'demo', '--provider', provider, '--prompt', 'Greet Alice', '--json']
    const { code, stdout, stderr } = await atp(...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const context = JSON.parse(stdout)
    expect(context).toMatchObject({
      toolkit_id: expect.any(String),
      toolkit_name: 'demo',
      caption: 'Tools to try',
      instructions: 'Be kind.',
      provider,
      user_prompt: 'Greet Alice',
      warnings: expect.any(Array),
    })
    expect(context.tools).toHaveLength(6)
    expect(context.tools[0]).toMatchObject(tool)
  })

  it('lists the tools for people', async () => {
    const { code, stdout } = await atp('context', 'demo', '--provider', 'openai-chat')
    expect(code).toBe(0)
    expect(stdout).toContain('demo: Tools to try\nBe kind.\n')
    expect(stdout).toContain('\n  greet  Greets somebody\n')
    expect(stdout).toContain('\n  noise  \\u001b[31mred\\u202e\n')
  })

  it('says that a toolkit is unknown', async () => {
    const { code, stdout } = await atp('context', 'unknown', '--provider', 'anthropic', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'toolkit_not_found' })
  })
})
