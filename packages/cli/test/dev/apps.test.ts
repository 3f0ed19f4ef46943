import { LLMClient, type Tracing } from '@atp/core'
import { describe, expect, it } from 'vitest'
import { core, kitModule, startSession } from './dev-session.ts'

const counter = `
  kit.registerApp(
    { name: 'counter', description: 'Counts', params: { type: 'object', properties: { from: { type: 'number' } }, required: ['from'] } },
    {
      start: ({ from }) => ({ ui: from, state: from }),
      act: (step, { state }) => {
        if (step === 'fail') throw new ToolError('no such step')
        return { ui: state + step, state: state + step, ended: state + step > 9 }
      },
      close: ({ state }) => console.log('closed at ' + state),
    },
  )`

describe('an app through atp dev', () => {
  it('has sessions, each with its state, whose errors are those of the toolkit itself', async () => {
    await using dev = await startSession({ 'tools.ts': kitModule({ plain: '() => 1' }) + counter })
    await dev.next('ready')
    const open = (from: number) => dev.llm.openApp({ toolkitId: 'kit', app: 'counter', params: { from } })
    const [one, other] = await Promise.all([open(1), open(5)])
    expect([one.ui, other.ui]).toEqual([1, 5])
    expect([await one.act(2), await other.act(1)]).toEqual([3, 6])
    await expect(one.act('fail')).rejects.toMatchObject({ code: 'tool_error', message: 'no such step' })
    expect(await one.act(1)).toBe(4)
    await one.close()
    expect((await dev.next('output')).line).toBe('closed at 4')
    expect(await other.act(9)).toBe(15)
    expect(other.ended).toBe(true)
    // A model's call opens a session that ends at once.
    expect(await dev.call('counter', { from: 7 })).toEqual({ ui: 7, ended: true })
    await expect(dev.call('counter')).rejects.toMatchObject({ code: 'missing_params' })
    const none = dev.llm.openApp({ toolkitId: 'kit', app: 'plain' })
    await expect(none).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('is no app') })
    const calls = dev.told.flatMap((told) => (told.type === 'started' ? [[told.call.event, told.call.args]] : []))
    expect(calls.slice(0, 4)).toEqual(
      expect.arrayContaining([
        ['start', { from: 1 }],
        ['start', { from: 5 }],
        ['action', 2],
      ]),
    )
  })

  it('loses its sessions with the code that kept them', async () => {
    const text = kitModule({}) + counter
    await using dev = await startSession({ 'tools.ts': text })
    await dev.next('ready')
    const session = await dev.llm.openApp({ toolkitId: 'kit', app: 'counter', params: { from: 1 } })
    dev.write('tools.ts', `${text}\n// saved again`)
    await dev.next('reloaded')
    await expect(session.act(1)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('the trace of a call through atp dev', () => {
  it('reaches the tracing of the toolkit in the file', async () => {
    const traced = [
      `import { Toolkit } from ${core}`,
      `let active = 'none'`,
      'const tracing = { startCall: ({ place, tool, toolkit, callId, meta }) => ({',
      '  run: (work) => { active = [place, tool, toolkit, typeof callId, JSON.stringify(meta)].join(" "); return work() },',
      '  end: (error) => console.log(error?.code ?? "fine"),',
      '}) }',
      `export const kit = new Toolkit({ appName: 'kit', tracing })`,
      `kit.registerTool({ name: 'where', description: 'Tells' }, () => active)`,
      `kit.registerTool({ name: 'fail', description: 'Fails' }, () => { throw new Error('no') })`,
    ]
    await using dev = await startSession({ 'tools.ts': traced.join('\n') })
    await dev.next('ready')
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const sending: Tracing = { startCall: () => ({ meta: { traceparent }, run: (work) => work(), end: () => {} }) }
    await using llm = new LLMClient({ apiKey: dev.keys.llmKey, baseUrl: dev.url, tracing: sending })
    const meta = JSON.stringify({ traceparent })
    expect(await llm.call({ toolkitId: 'kit', tool: 'where', params: {} })).toBe(`tool where kit string ${meta}`)
    expect((await dev.next('output')).line).toBe('fine')
    expect(await dev.call('where')).toBe('tool where kit string {}')
    await dev.next('output')
    await expect(dev.call('fail')).rejects.toMatchObject({ code: 'tool_error' })
    expect((await dev.next('output')).line).toBe('tool_error')
  })
})
