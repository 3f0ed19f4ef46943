import { isAtpError, type LLMClient, type LLMClientOptions, type ToolKitClientOptions } from '@atp/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/*
 * The same tools over each wire that a toolkit of ours can speak to a server of ours, called over each that an LLM
 * client can: nobody can tell which it was.
 */

let server: TestServer

const toolkitWires: Record<string, Partial<ToolKitClientOptions>> = {
  'protocol 2': {},
  'the founding wire': { legacyFallback: 'always' },
}
const llmWires: Record<string, Partial<LLMClientOptions>> = {
  'protocol 2': {},
  'the founding socket': { legacyFallback: 'always' },
  HTTP: { protocol: 'http' },
}

beforeAll(async () => {
  server = await startTestServer()
  for (const [wire, options] of Object.entries(toolkitWires)) {
    const toolkit = await server.toolkit({ appName: wire, ...options })
    const params = z.object({ value: z.any() })
    toolkit.registerTool({ name: 'echo', description: 'Echoes', params }, ({ value }) => value)
    toolkit.registerTool({ name: 'fails', description: 'Fails' }, () => {
      throw new Error('it broke')
    })
    toolkit.registerTool(
      { name: 'whoami', description: 'Tells', auth: { provider: 'github', type: 'OAuth2', with: 'access_token' } },
      (_args, { authToken }) => authToken ?? null,
    )
    await toolkit.start()
  }
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const cases = Object.keys(toolkitWires).flatMap((toolkit) =>
  Object.keys(llmWires).map((llm) => [toolkit, llm] as const),
)

describe.each(cases)('a toolkit over %s, called over %s', (toolkitId, wire) => {
  let llm: LLMClient
  beforeAll(() => {
    llm = server.llm({ ...llmWires[wire] })
  })
  const failure = (tool: string, params = {}): Promise<string> =>
    llm.call({ toolkitId, tool, params }).then(
      (result) => `no failure: ${JSON.stringify(result)}`,
      (error: unknown) => (isAtpError(error) ? error.message : String(error)),
    )

  it('gives the same results', async () => {
    for (const value of [null, false, 0, '', [], {}, [{ é: '🙂' }], 'x'.repeat(100_000)]) {
      await expect(llm.call({ toolkitId, tool: 'echo', params: { value } })).resolves.toEqual(value)
    }
    await expect(llm.call({ toolkitId, tool: 'whoami', authToken: 'of-the-user' })).resolves.toBe('of-the-user')
  })

  it('gives the same failures', async () => {
    expect(await failure('fails')).toBe('it broke')
    expect(await failure('whoami')).toBe("Function 'whoami' requires 'auth_token', but none was provided.")
    expect(await failure('echo')).toBe('Missing required parameters: value')
    expect(await failure('nothing')).toContain('nothing')
  })

  it('is described by the same names', async () => {
    const { tools } = await llm.getToolkitContext({ toolkitId, provider: 'anthropic' })
    expect(tools.map(({ name }) => name).sort()).toEqual(['echo', 'fails', 'whoami'])
    await expect(llm.getToolkitContext({ toolkitId: 'nothing' })).rejects.toMatchObject({ code: 'toolkit_not_found' })
  })
})

describe('a server of ours', () => {
  it('refuses wrong keys on the founding wire, too', async () => {
    const toolkit = await server.toolkit({ apiKey: `atp_toolkit_${'0'.repeat(49)}`, legacyFallback: 'always' })
    toolkit.registerTool({ name: 'f', description: 'F' }, () => 1)
    await expect(toolkit.start()).rejects.toMatchObject({ code: 'unauthorized' })
    const stranger = server.llm({ apiKey: `atp_llm_${'0'.repeat(49)}`, legacyFallback: 'always' })
    await expect(stranger.getToolkitContext({ toolkitId: 'x' })).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it('tells a toolkit on the founding wire that its key stands for another one', async () => {
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'taken' })
    const toolkit = await server.toolkit({ apiKey: key, appName: 'another', legacyFallback: 'always' })
    toolkit.registerTool({ name: 'f', description: 'F' }, () => 1)
    await expect(toolkit.start()).rejects.toMatchObject({ code: 'toolkit_name_conflict' })
  })
})
