import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kill } from 'node:process'
import { invokeTool } from '@atp/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DevToolkit } from '../../src/dev/dev-toolkit.ts'
import { ToolsGeneration } from '../../src/dev/tools-generation.ts'
import { temporaryFolder } from '../run-atp.ts'
import { kitModule, startSession } from './dev-session.ts'

describe('a call through atp dev', () => {
  it('has the errors that the toolkit itself would answer', async () => {
    await using dev = await startSession({
      'tools.ts': kitModule(
        {
          plain: "() => { throw new TypeError('plain') }",
          meant: "() => { throw new ToolError('meant', { details: { why: 1 } }) }",
          large: "() => 'x'.repeat(2_000_000)",
          strange: '() => () => 1',
          nothing: '() => {}',
        },
        '',
      ).concat(`
        kit.registerTool({ name: 'strict', description: 'Strict', params: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }, output: { type: 'number' } }, ({ n }) => (n > 9 ? 'many' : n))
        kit.registerTool({ name: 'token', description: 'Token', auth: { type: 'OAuth2', provider: 'hub' } }, (_, { authToken }) => authToken.length)
        kit.registerTool({ functionName: 'founding', description: 'Founding', params: ['auth_token'], authType: 'OAuth2' }, (args) => args.auth_token)
      `),
    })
    await dev.next('ready')
    const failure = (tool: string, params = {}) => dev.call(tool, params).catch((error) => error)
    expect(await failure('plain')).toMatchObject({ code: 'tool_error', message: 'plain' })
    expect(await failure('meant')).toMatchObject({ code: 'tool_error', message: 'meant', details: { why: 1 } })
    expect(await failure('large')).toMatchObject({ code: 'result_too_large' })
    expect(await failure('strange')).toMatchObject({ code: 'invalid_result' })
    expect(await failure('strict', { n: 'one' })).toMatchObject({
      code: 'invalid_params',
      details: { issues: [{ path: 'n' }] },
    })
    expect(await failure('strict', {})).toMatchObject({ code: 'missing_params' })
    expect(await failure('strict', { n: 10 })).toMatchObject({ code: 'invalid_result' })
    expect(await failure('token')).toMatchObject({ code: 'missing_token' })
    expect(await dev.call('nothing')).toBe(null)
    const authToken = 'abcd'
    expect(await dev.llm.call({ toolkitId: 'kit', tool: 'token', params: {}, authToken })).toBe(4)
    expect(await dev.llm.call({ toolkitId: 'kit', tool: 'founding', params: {}, authToken })).toBe('abcd')
  })

  it('is cancelled in the tool when its caller cancels it or waits no longer', async () => {
    const wait = `(_, { signal }) => {
      console.log('begun')
      return new Promise((resolve) => signal.addEventListener('abort', () => { console.log(signal.reason.message); resolve() }))
    }`
    await using dev = await startSession({ 'tools.ts': kitModule({ wait }) })
    await dev.next('ready')
    const abort = new AbortController()
    const request = { toolkitId: 'kit', tool: 'wait', params: {} }
    const cancelled = dev.llm.call({ ...request, signal: abort.signal })
    expect((await dev.next('output')).line).toBe('begun')
    abort.abort()
    await expect(cancelled).rejects.toThrow()
    expect((await dev.next('output')).line).toContain('cancelled by its caller')
    expect(await dev.next('ended')).toMatchObject({ outcome: { ok: false, error: { code: 'cancelled' } } })
    const late = dev.llm.call({ ...request, timeoutMs: 200 })
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await dev.next('output')
    expect((await dev.next('output')).line).toMatch(/200 ms|deadline exceeded/)
    // The server's cancel and the deadline of the toolkit come together; either may be first.
    expect(await dev.next('ended')).toMatchObject({
      outcome: { error: { code: expect.stringMatching(/^(deadline_exceeded|cancelled)$/) } },
    })
  })

  it('streams to a caller who asks for it', async () => {
    const tool = "async function* (_, { progress }) { progress({ done: 1 }); yield 'a'; yield 'b'; return 'end' }"
    await using dev = await startSession({ 'tools.ts': kitModule({ tool }) })
    await dev.next('ready')
    const parts: unknown[] = []
    for await (const part of dev.llm.callStreaming({ toolkitId: 'kit', tool: 'tool', params: {} })) parts.push(part)
    expect(parts).toMatchObject([
      { type: 'progress', progress: { done: 1 } },
      { type: 'chunk', data: 'a' },
      { type: 'chunk', data: 'b' },
      { type: 'result', result: 'end' },
    ])
  })

  it('is shown with its arguments, progress, result and time', async () => {
    const tool = '({ a }, { progress }) => { progress({ progress: 1, total: 2 }); return { a } }'
    await using dev = await startSession({ 'tools.ts': kitModule({ tool }) })
    await dev.next('ready')
    await dev.call('tool', { a: 1 })
    await dev.call('tool', { a: 2 })
    const call = { toolkit: 'kit', tool: 'tool', callId: expect.any(String) }
    expect(await dev.next('started')).toEqual({ type: 'started', call: { ...call, number: 1, args: { a: 1 } } })
    expect(await dev.next('progressed')).toMatchObject({ value: { progress: 1, total: 2 } })
    expect(await dev.next('ended')).toMatchObject({
      call: { number: 1 },
      outcome: { ok: true, json: '{"a":1}' },
      durationMs: expect.any(Number),
    })
    expect(await dev.next('ended')).toMatchObject({ call: { number: 2 } })
  })
})

describe('the process of the tools', () => {
  /** A toolkit that is not connected, and the process behind it. */
  async function generation(tools: Record<string, string>) {
    const file = join(temporaryFolder(), 'tools.ts')
    writeFileSync(file, kitModule(tools))
    const printed: string[] = []
    const waiting = new Set<() => void>()
    const process = new ToolsGeneration({
      ...{ files: [file], loadTimeoutMs: 15_000, env: {}, cwd: '/', onFile() {}, onChange() {} },
      onOutput(line) {
        printed.push(line)
        for (const look of waiting) look()
      },
    })
    const [announced] = await process.loaded
    if (!announced) throw new Error('there is a toolkit')
    const observer = { started() {}, progressed() {}, ended() {} }
    const toolkit = new DevToolkit(
      { appName: 'kit', apiKey: 'none' },
      { generation: () => process, nextNumber: () => 1, observer },
    )
    toolkit.update(announced)
    const tool = (name: string) => {
      const found = toolkit.registeredTools.get(name)
      if (!found) throw new Error(`there is a tool ${name}`)
      return found
    }
    const prints = (line: string) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (printed.includes(line)) resolve()
        }
        waiting.add(look)
        look()
      })
    return { process, tool, prints, printed }
  }

  it('hands on partial results one by one, as fast as they are taken', async () => {
    const { process, tool, printed } = await generation({
      count: 'async function* () { for (let i = 1; i <= 3; i += 1) { console.log(i); yield { i } } return "end" }',
      list: 'async function* () { yield 1; yield 2 }',
    })
    const taken: unknown[] = []
    const onChunk = async (chunk: unknown): Promise<void> => {
      // The tool has all the time of another call to make more than the one that is taken, and does not.
      await invokeTool(tool('list'), {}, { callId: 'c2' })
      taken.push(chunk)
      expect(printed.length).toBeLessThanOrEqual(taken.length)
    }
    const outcome = await invokeTool(tool('count'), {}, { callId: 'c1', onChunk })
    expect(outcome).toEqual({ ok: true, json: '"end"' })
    expect(taken).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }])
    expect(await invokeTool(tool('list'), {}, { callId: 'c3' })).toEqual({ ok: true, json: '[1,2]' })
    await process.retire(0, 'the test is over')
  })

  it('ends when its last call has ended', async () => {
    const { process, tool, prints } = await generation({
      once: "() => new Promise((resolve) => { console.log('begun'); setTimeout(resolve, 50, 'done') })",
    })
    const outcome = invokeTool(tool('once'), {}, { callId: 'c1' })
    await prints('begun')
    const retired = process.retire(15_000, 'its code was changed')
    expect(await outcome).toEqual({ ok: true, json: '"done"' })
    await retired
  })

  it('ends with calls that take too long, which are told why', async () => {
    const { process, tool, prints } = await generation({
      forever: "() => { console.log('begun'); for (;;) {} }",
    })
    const outcome = invokeTool(tool('forever'), {}, { callId: 'c1' })
    await prints('begun')
    await process.retire(20, 'its code was changed')
    expect(await outcome).toMatchObject({
      ok: false,
      error: { code: 'tool_error', message: 'The tool gave no answer: its code was changed' },
    })
    expect(await invokeTool(tool('forever'), {}, { callId: 'c2' })).toMatchObject({
      error: { message: 'The tool gave no answer: its process has ended' },
    })
  })

  it('ends although a process that it started goes on, and holds its output', async () => {
    const { process, tool } = await generation({
      start: `async () => {
        const { spawn } = await import('node:child_process')
        return spawn('sleep', ['60'], { stdio: 'inherit' }).pid
      }`,
    })
    const outcome = await invokeTool(tool('start'), {}, { callId: 'c1' })
    const pid = outcome.ok ? Number(outcome.json) : 0
    onTestFinished(() => void kill(pid, 'SIGKILL'))
    await process.retire(0, 'its code was changed')
    expect(kill(pid, 0)).toBe(true)
  })

  it('is given up when the files are not loaded in time', async () => {
    const file = join(temporaryFolder(), 'tools.ts')
    writeFileSync(file, 'for (;;) {}')
    const process = new ToolsGeneration({
      ...{ files: [file], loadTimeoutMs: 500, env: {}, cwd: '/', onFile() {}, onChange() {}, onOutput() {} },
    })
    await expect(process.loaded).rejects.toThrow(/not loaded within 0\.5 seconds \(--timeout\)/)
    await process.ended
  })
})
