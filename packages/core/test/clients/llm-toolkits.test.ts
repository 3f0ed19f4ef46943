import { describe, expect, it, vi } from 'vitest'
import type { LLMClient } from '../../src/clients/llm-client.ts'
import type { ErrorCode } from '../../src/errors/codes.ts'
import { connectForEachTest, type LlmPeer } from './llm-support.ts'

let client: LLMClient
let peer: LlmPeer

connectForEachTest((connected) => {
  ;({ client, peer } = connected)
})

const toolkits = ['mail', 'files']
const wireContext = (name: string, tools: string[]) => ({
  toolkit_id: `id of ${name}`,
  toolkit_name: name,
  provider: 'openai',
  tools: tools.map((tool) => ({ type: 'function', name: tool })),
})

/** Answers the next questions for contexts, in any order, from what there is. */
async function describeTools(there: Record<string, string[] | ErrorCode>): Promise<void> {
  for (const { requestId, toolkitId } of await peer.take(Object.keys(there).length, 'context')) {
    const tools = there[toolkitId] ?? 'toolkit_not_found'
    if (typeof tools !== 'string') peer.send({ type: 'context', requestId, context: wireContext(toolkitId, tools) })
    else peer.send({ type: 'error', requestId, error: { code: tools, message: `no ${toolkitId}`, retryable: false } })
  }
}

const call = (id: string, name: string) => ({ type: 'function_call', call_id: id, name, arguments: '{"n":1}' })

/** Runs one call and answers it; returns where it went. */
async function runOne(name: string): Promise<string> {
  const calling = client.callTool({ toolkits, toolCalls: [call('a', name)] })
  const { requestId, toolkitId, tool } = await peer.next('call')
  peer.send({ type: 'result', requestId, ok: true, result: 1 })
  await expect(calling).resolves.toMatchObject([{ call_id: 'a', output: '1' }])
  return `${toolkitId}: ${tool}`
}

async function load(there: Record<string, string[] | ErrorCode>): Promise<void> {
  const asking = client.getToolkitContext({ toolkits })
  await describeTools(there)
  await asking
}

describe('calls of several toolkits', () => {
  it('go out together, by id and bare name, and come back in order', async () => {
    await load({ mail: ['send'], files: ['send'] })
    const toolCalls = [call('a', 'files__send'), call('b', 'mail__send')]
    const calling = client.callTool({ toolkits, toolCalls })
    const [first, second] = await peer.take(2, 'call')
    expect(first).toMatchObject({ toolkitId: 'id of files', tool: 'send', provider: 'openai', params: { n: 1 } })
    expect(second).toMatchObject({ toolkitId: 'id of mail', tool: 'send' })
    peer.send({ type: 'result', requestId: second?.requestId ?? '', ok: true, result: 'mail' })
    peer.send({ type: 'result', requestId: first?.requestId ?? '', ok: true, result: 'files' })
    await expect(calling).resolves.toMatchObject([
      { call_id: 'a', output: '"files"' },
      { call_id: 'b', output: '"mail"' },
    ])
  })

  it('ask for the contexts when the client does not know them yet, and not again', async () => {
    const calling = client.callTool({ toolkits, toolCalls: [call('a', 'mail__send')] })
    await describeTools({ mail: ['send'], files: ['send'] })
    const { requestId } = await peer.next('call')
    peer.send({ type: 'result', requestId, ok: true, result: 1 })
    await calling
    expect(await runOne('files__send')).toBe('id of files: send')
  })

  it('ask anew for a name that is not known: a tool may have come since', async () => {
    await load({ mail: ['send'], files: ['send'] })
    const calling = client.callTool({ toolkits, toolCalls: [call('a', 'files__new'), call('b', 'files__never')] })
    await describeTools({ mail: ['send'], files: ['send', 'new'] })
    const { requestId, tool } = await peer.next('call')
    expect(tool).toBe('new')
    peer.send({ type: 'result', requestId, ok: true, result: 1 })
    await expect(calling).resolves.toMatchObject([
      { call_id: 'a', output: '1' },
      { call_id: 'b', output: '{"error":"There is no tool \\"files__never\\""}' },
    ])
  })

  it('still go to a tool that is gone: its toolkit says what became of it', async () => {
    await load({ mail: ['send', 'old'], files: [] })
    const calling = client.callTool({ toolkits, toolCalls: [call('a', 'mail__old'), call('b', 'mail__new')] })
    await describeTools({ mail: ['send', 'new'], files: [] })
    const asked = await peer.take(2, 'call')
    expect(asked.map(({ tool }) => tool)).toEqual(['old', 'new'])
    for (const { requestId } of asked) peer.send({ type: 'result', requestId, ok: true, result: 1 })
    await calling
  })

  it('need no context where nothing can be read of them', async () => {
    await load({ mail: ['send'], files: [] })
    const toolCalls = [{ ...call('a', 'mail__unknown'), arguments: '{"n":' }]
    await expect(client.callTool({ toolkits, toolCalls })).resolves.toMatchObject([
      { call_id: 'a', output: expect.stringContaining('could not be read') },
    ])
  })

  it('run one after the other when asked to', async () => {
    await load({ mail: ['send'], files: ['send'] })
    const toolCalls = [call('a', 'files__send'), call('b', 'mail__send')]
    const calling = client.callTool({ toolkits, toolCalls, sequential: true })
    const first = await peer.next('call')
    await vi.advanceTimersByTimeAsync(1_000)
    const before = peer.types.length
    peer.send({ type: 'result', requestId: first.requestId, ok: true, result: 1 })
    const { requestId } = await peer.next('call')
    expect(peer.types).toHaveLength(before + 1)
    peer.send({ type: 'result', requestId, ok: true, result: 2 })
    await calling
  })
})

describe('the context of several toolkits', () => {
  it('leaves out a toolkit that is not there, unless none is', async () => {
    const asking = client.getToolkitContext({ toolkits })
    await describeTools({ mail: 'toolkit_not_found', files: ['send'] })
    await expect(asking).resolves.toMatchObject({
      tools: [{ name: 'files__send' }],
      warnings: [{ toolkit: 'mail', tool: '', code: 'toolkit_not_found', message: 'no mail' }],
    })
    const failing = expect(client.getToolkitContext({ toolkits })).rejects.toMatchObject({ message: 'no mail' })
    await describeTools({ mail: 'toolkit_not_found', files: 'internal_error' })
    await failing
  })

  it("fails as a whole when the reason is no toolkit's", async () => {
    const failing = expect(client.getToolkitContext({ toolkits })).rejects.toMatchObject({ code: 'forbidden' })
    await describeTools({ mail: ['send'], files: 'forbidden' })
    await failing
    const abort = new AbortController()
    const cancelled = expect(client.getToolkitContext({ toolkits, signal: abort.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    await peer.take(2, 'context')
    abort.abort()
    await cancelled
  })

  it.each([
    { toolkits: [] },
    { toolkits: 'mail' as unknown as string[] },
    { toolkits: [5] as unknown as string[] },
    {} as { toolkits: string[] },
    { toolkitId: 'mail', toolkits } as { toolkits: string[] },
  ])('is not asked for with %j', async (choice) => {
    const invalid = { code: 'invalid_request', message: expect.stringContaining('toolkits') }
    await expect(client.getToolkitContext(choice)).rejects.toMatchObject(invalid)
    await expect(client.callTool({ ...choice, toolCalls: [call('a', 'mail__send')] })).rejects.toMatchObject(invalid)
    expect(peer.types).toEqual(['hello', 'call'])
  })

  it('is remembered for the choices that were used last', async () => {
    await load({ mail: ['send'], files: ['send'] })
    for (let index = 0; index < 63; index += 1) {
      const asking = client.getToolkitContext({ toolkits: [`other ${index}`] })
      await describeTools({ [`other ${index}`]: [] })
      await asking
    }
    expect(await runOne('mail__send')).toBe('id of mail: send')
    const asking = client.getToolkitContext({ toolkits: ['one more'] })
    await describeTools({ 'one more': [] })
    await asking
    // Used since the others, it stays; the oldest of them is gone.
    expect(await runOne('mail__send')).toBe('id of mail: send')
    const calling = client.callTool({ toolkits: ['other 0'], toolCalls: [call('a', 'nothing')] })
    await describeTools({ 'other 0': [] })
    await calling
  })
})
