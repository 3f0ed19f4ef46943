import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatDemo, startChatDemo } from '../chat/chat-demo.ts'
import {
  endpointProviders,
  providerKey,
  type ScriptedTurn,
  startProviderEndpoint,
} from '../chat/provider-endpoint/index.ts'
import { runChat } from '../chat/run-chat.ts'
import { type Finished, runAtp, startAtp } from '../run-atp.ts'

let demo: ChatDemo
beforeAll(async () => {
  demo = await startChatDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

/** The model repeats what it was told. */
const echo = (_results: string[], body: Record<string, unknown>): ScriptedTurn => ({ text: JSON.stringify(body) })

/** Prints the names of the providers' packages that are loaded. */
const telltale = `
  import { registerHooks } from 'node:module'
  const seen = new Set()
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      const name = /\\/node_modules\\/(openai|@anthropic-ai\\/sdk|@mistralai\\/mistralai)\\//.exec(found.url)?.[1]
      if (name && !seen.has(name)) process.stderr.write('LOADED ' + name + '\\n')
      seen.add(name)
      return found
    },
  })`
const watched = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(telltale)}` }
const loaded = ({ stderr }: Finished): string[] => stderr.match(/(?<=^LOADED ).+$/gm) ?? []

describe("the providers' packages", () => {
  it.each([[['--help']], [['chat', '--help']], [['toolkits', 'list']]])('are not loaded by %j', async (args) => {
    const run = await runAtp(args, { env: { ...watched, ATP_DATA: demo.folder } })
    expect({ code: run.code, loaded: loaded(run) }).toEqual({ code: 0, loaded: [] })
  })

  it.each([
    ['openai', 'openai'],
    ['openai-chat', 'openai'],
    ['anthropic', '@anthropic-ai/sdk'],
    ['mistral', '@mistralai/mistralai'],
  ] as const)('are loaded one by one: for %s it is %s', async (provider, expected) => {
    await using endpoint = await startProviderEndpoint(provider, [{ text: 'Hello' }])
    const args = ['chat', '--provider', provider, '--model', 'm', '--toolkit', 'shelf', 'Hi']
    const run = await runAtp(args, { env: { ...watched, ATP_DATA: demo.folder, ...endpoint.env } })
    expect({ code: run.code, stdout: run.stdout, loaded: loaded(run) }).toEqual({
      code: 0,
      stdout: 'Hello\n',
      loaded: [expected],
    })
  })
})

describe('atp chat', () => {
  it('takes the prompt from stdin', async () => {
    await using endpoint = await startProviderEndpoint('openai', echo)
    const run = await runChat('openai', demo, endpoint, [], { stdin: 'What is\non the shelf?\n' })
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(run.stdout).input).toEqual([{ role: 'user', content: 'What is\non the shelf?\n' }])
  })

  it("gives the model the user's instructions before those of the toolkit", async () => {
    await using endpoint = await startProviderEndpoint('openai', echo)
    const run = await runChat('openai', demo, endpoint, ['--system', 'Be brief.', 'Hello'])
    expect(JSON.parse(run.stdout)).toMatchObject({ model: 'test-model', instructions: 'Be brief.\n\nCount twice.' })
  })

  it("passes the end user's token to the tools that need it, and to nobody else", async () => {
    await using endpoint = await startProviderEndpoint('openai', (results, body) =>
      results.length === 0
        ? { calls: [{ name: 'token_length', args: {} }] }
        : { text: `${results.join()} ${JSON.stringify(body).includes('eleven long')}` },
    )
    const env = { ATP_AUTH_TOKEN: 'eleven long' }
    const run = await runChat('openai', demo, endpoint, ['Count'], { env, toolkits: ['demo'] })
    expect(run.stdout).toBe('11 false\n')
    expect(run.stderr).not.toContain('eleven long')
  })

  it('needs no key for a model on this machine, and says which variable is missing for others', async () => {
    for (const provider of endpointProviders) {
      await using endpoint = await startProviderEndpoint(provider, [])
      const name = Object.keys(endpoint.env).find((key) => key.endsWith('_API_KEY')) as string
      const local = await runChat(provider, demo, endpoint, ['Hello'], { env: { [name]: undefined } })
      // The endpoint wants its own key: what counts is that it was asked.
      expect(local.stderr).toContain('(unauthorized)')
      const remote = await runChat(provider, demo, { env: {} }, ['--json', 'Hello'])
      expect(remote.code).toBe(1)
      expect(remote.stderr).toContain(name)
      expect(remote.events).toMatchObject([{ type: 'end', reason: 'failed', code: 'invalid_config' }])
    }
  })

  it('takes the address of Anthropic and Mistral with or without /v1', async () => {
    for (const provider of ['anthropic', 'mistral'] as const) {
      await using endpoint = await startProviderEndpoint(provider, [{ text: 'Hello' }])
      const env = Object.fromEntries(
        Object.entries(endpoint.env).map(([name, value]) => [name, name.endsWith('_URL') ? `${value}/v1/` : value]),
      )
      expect(await runChat(provider, demo, { env }, ['Hello'])).toMatchObject({ code: 0, stdout: 'Hello\n' })
    }
  })

  it.each(endpointProviders)('prints no key of %s, whatever the environment tells its package', async (provider) => {
    const logs = { OPENAI_LOG: 'debug', ANTHROPIC_LOG: 'debug', MISTRAL_DEBUG: '1' }
    await using endpoint = await startProviderEndpoint(provider, [{ text: 'Hello' }])
    const args = ['chat', '--provider', provider, '--model', 'm', '--toolkit', 'shelf', 'Hi']
    const run = await runAtp(args, { env: { ATP_DATA: demo.folder, ...endpoint.env, ...logs } })
    expect(run).toEqual({ code: 0, stdout: 'Hello\n', stderr: '' })
  })

  it('lets no text of the model move the cursor', async () => {
    await using endpoint = await startProviderEndpoint('openai', [{ text: 'a\u001b[2Jb\r\nc' }])
    expect((await runChat('openai', demo, endpoint, ['Hello'])).stdout).toBe('a\\u001b[2Jb\nc\n')
  })

  it('ends at once on Ctrl-C in mid-stream, as a process of its own', async () => {
    await using endpoint = await startProviderEndpoint('openai', [{ text: 'Once upon a time\n', stalls: true }])
    const args = ['chat', '--provider', 'openai', '--model', 'm', '--toolkit', 'shelf', 'Tell']
    const running = startAtp(args, { env: { ATP_DATA: demo.folder, ...endpoint.env } })
    expect(await running.firstLine).toBe('Once upon a time')
    running.child.kill('SIGINT')
    const { code, stderr } = await running.finished
    expect(code).toBe(130)
    expect(stderr).toBe('error: Interrupted; what ran was cancelled (cancelled)\n')
    await expect.poll(() => endpoint.open(), { timeout: 15_000 }).toBe(0)
  })
})

describe('wrong usage of atp chat', () => {
  const given = ['chat', '--provider', 'openai', '--model', 'm', '--toolkit', 'shelf']
  it.each<[string[], string]>([
    [['chat'], "required option '--provider <provider>' not specified"],
    [['chat', '--provider', 'nobody'], 'Allowed choices are openai, openai-chat, anthropic, mistral'],
    [['chat', '--provider', 'openai', '--model', 'm', 'Hello'], 'Name a toolkit with --toolkit'],
    [['chat', '--provider', 'anthropic', '--toolkit', 'shelf', 'Hello'], 'such as: --model claude-sonnet-5'],
    [[...given, 'one', 'two'], 'too many arguments'],
    [[...given, ''], 'Give a prompt'],
    [given, 'Give a prompt'],
    [[...given, '--max-turns', '0', 'Hello'], 'whole number above 0'],
    [[...given, '--max-turns', 'many', 'Hello'], 'whole number above 0'],
    [[...given, '--toolkit', 'demo', '--auth-token', 't', 'Hello'], 'one --toolkit only'],
  ])('%j is told on stderr, with exit code 2 and nothing on stdout', async (args, message) => {
    const env = { OPENAI_API_KEY: providerKey, ATP_DATA: demo.folder }
    const run = await runAtp([...args, '--json'], { env })
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' })
    expect(run.stderr).toContain(message)
  })

  it('is an address that is none, which is not repeated', async () => {
    const env = { OPENAI_API_KEY: providerKey, OPENAI_BASE_URL: 'http://user:secret@host/v1', ATP_DATA: demo.folder }
    const run = await runAtp([...given, 'Hello'], { env })
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toContain('OPENAI_BASE_URL')
    expect(run.stderr).not.toContain('secret')
  })
})
