import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatDemo, startChatDemo } from './chat-demo.ts'
import { endpointProviders, providerKey, type ScriptedTurn, startProviderEndpoint } from './provider-endpoint/index.ts'
import { type ChatRun, runChat } from './run-chat.ts'

let demo: ChatDemo
beforeAll(async () => {
  demo = await startChatDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

const titles = { openai: 'OpenAI', 'openai-chat': 'OpenAI', anthropic: 'Anthropic', mistral: 'Mistral' }
const variables = { openai: 'OPENAI', 'openai-chat': 'OPENAI', anthropic: 'ANTHROPIC', mistral: 'MISTRAL' }

/** What every failure has in common. */
function expectFailure({ code, stdout, stderr }: ChatRun, ...texts: string[]): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  for (const text of texts) expect(stderr).toContain(text)
  expect(stderr).toMatch(/^error: .+ \([a-z_]+\)\n$/)
  expect(stderr).not.toContain(providerKey)
}

const refused = (status: number, message: string, code?: string): ScriptedTurn => ({
  refusal: { status, message, ...(code ? { code } : {}) },
})
const often = (turn: ScriptedTurn) => () => turn

describe.each(endpointProviders)('atp chat with %s says in one line', (provider) => {
  const title = titles[provider]
  const variable = variables[provider]

  it('that the key is refused, and never shows it', async () => {
    await using endpoint = await startProviderEndpoint(provider, [])
    const env = { [`${variable}_API_KEY`]: 'sk-another-0123456789' }
    const run = await runChat(provider, demo, endpoint, ['Hello'], { env })
    expectFailure(run, `${title} refuses the key`, `${variable}_API_KEY`, '(unauthorized)')
    expect(run.stderr).not.toContain('sk-another')
  })

  it.each<[string, ScriptedTurn, string[]]>([
    ['a limit of requests', refused(429, `Slow down, ${providerKey}`), ['Slow down, ***', 'wait', '(rate_limited)']],
    ['trouble of the provider', refused(500, 'Out of\norder'), ['(500)', 'Out of order', '(upstream_failed)']],
    ['a model that is unknown', refused(404, 'No such model'), ['test-model', '--model', '(not_found)']],
    [
      'a conversation that is too long',
      refused(400, 'prompt is too long: 9 tokens > 8 maximum'),
      ['too long', '(payload_too_large)'],
    ],
    ['a request that is refused', refused(400, 'Odd request'), ['(400)', 'Odd request', '(invalid_request)']],
    ['a model without access', refused(403, 'Not yours'), ['Not yours', '(forbidden)']],
  ])('what is wrong: %s', async (_what, turn, texts) => {
    await using endpoint = await startProviderEndpoint(provider, often(turn))
    expectFailure(await runChat(provider, demo, endpoint, ['Hello']), title, ...texts)
  })

  it('that nobody answers at the address', async () => {
    const endpoint = await startProviderEndpoint(provider, [])
    await endpoint[Symbol.asyncDispose]()
    const run = await runChat(provider, demo, endpoint, ['Hello'])
    expectFailure(run, `Cannot reach ${title} at http://127.0.0.1:`, 'ECONNREFUSED', `${variable}_BASE_URL`)
  })

  it('that the connection ended in the middle of the answer, after what came of it', async () => {
    await using endpoint = await startProviderEndpoint(provider, [{ text: 'Half a sen', breaks: true }])
    const { code, stdout, stderr } = await runChat(provider, demo, endpoint, ['Hello'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'Half a sen\n' })
    expect(stderr).toMatch(new RegExp(`^error: .*${title}.* \\((connection_failed|upstream_failed)\\)\n$`))
  })

  it('that the provider failed in the middle of the answer', async () => {
    await using endpoint = await startProviderEndpoint(provider, [{ text: 'Half a sen', fails: 'Overloaded today' }])
    const { code, stdout, stderr } = await runChat(provider, demo, endpoint, ['Hello'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'Half a sen\n' })
    const said = provider === 'mistral' ? 'The model failed in the middle of its answer' : 'Overloaded today'
    expect(stderr).toBe(`error: ${title}: ${said} (upstream_failed)\n`)
  })

  it('that the answer was cut off at the limit of tokens, whose calls do not run', async () => {
    const calls = [{ name: 'remove', args: { thing: 'vase' } }]
    await using endpoint = await startProviderEndpoint(provider, [{ text: 'Well', calls, stop: 'length' }])
    const run = await runChat(provider, demo, endpoint, ['--yes', '--json', '--max-tokens', '5', 'Hello'])
    expect(run.code).toBe(1)
    expect(run.events.at(-1)).toMatchObject({ type: 'end', reason: 'length', text: 'Well', code: 'result_too_large' })
    expect(run.stderr).toContain('--max-tokens')
    expect(demo.removed).toEqual([])
    expect(JSON.stringify(endpoint.requests[0])).toMatch(/"max_(completion_|output_)?tokens":5/)
  })

  it('that the model does not come to an end', async () => {
    await using endpoint = await startProviderEndpoint(
      provider,
      often({ calls: [{ name: 'add', args: { a: 1, b: 1 } }] }),
    )
    const run = await runChat(provider, demo, endpoint, ['--max-turns', '2', '--json', 'Go'])
    expect(run.code).toBe(1)
    expect(run.events.at(-1)).toMatchObject({ type: 'end', reason: 'max_turns', turns: 2 })
    expect(endpoint.requests).toHaveLength(2)
    expect(run.stderr).toContain('did not finish in 2 turns')
  })

  it('that the address points to another, which the key does not follow', async () => {
    await using endpoint = await startProviderEndpoint(provider, [{ text: 'Hello' }])
    const name = `${variable}_BASE_URL`
    const server = createServer((request, response) => {
      const { origin } = new URL(endpoint.env[name] as string)
      response.writeHead(307, { location: `${origin}${request.url}` }).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const env = { [name]: `http://127.0.0.1:${port}/v1` }
    expectFailure(await runChat(provider, demo, endpoint, ['Hello'], { env }), `Cannot reach ${title}`)
    expect(endpoint.requests).toEqual([])
    server.close()
  })
})

describe('atp chat', () => {
  it('tells a failure in the last event, and prints no JSON value besides', async () => {
    await using endpoint = await startProviderEndpoint('openai', often(refused(500, 'Broken')))
    const { events } = await runChat('openai', demo, endpoint, ['--json', 'Hello'])
    const error = expect.stringContaining('Broken')
    expect(events).toEqual([{ type: 'end', reason: 'failed', text: '', turns: 1, error, code: 'upstream_failed' }])
    const unknown = await runChat('openai', demo, endpoint, ['--json', 'Hello'], { toolkits: ['unknown'] })
    expect(unknown.events).toMatchObject([{ type: 'end', reason: 'failed', turns: 0, code: 'toolkit_not_found' }])
  })

  it('says how to start a server when none answers', async () => {
    await using endpoint = await startProviderEndpoint('openai', [])
    const run = await runChat('openai', demo, endpoint, ['--base-url', 'http://127.0.0.1:9', 'Hello'])
    expectFailure(run, '127.0.0.1:9', 'atp server --dev', '(connection_failed)')
  })

  it('says that a model answered nothing, and forgets the prompt', async () => {
    for (const provider of endpointProviders) {
      await using endpoint = await startProviderEndpoint(provider, [{}])
      expectFailure(await runChat(provider, demo, endpoint, ['Hello']), 'answered nothing', '(upstream_failed)')
    }
  })

  it('says that a filter of the provider withheld the answer', async () => {
    await using endpoint = await startProviderEndpoint('anthropic', [{ text: 'I', stop: 'filtered' }])
    const run = await runChat('anthropic', demo, endpoint, ['--json', 'Hello'])
    expect(run.events.at(-1)).toMatchObject({ reason: 'filtered', code: 'upstream_failed' })
  })
})
