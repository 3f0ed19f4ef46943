import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatDemo, startChatDemo } from './chat-demo.ts'
import { type ProviderEndpoint, type Script, startProviderEndpoint } from './provider-endpoint/index.ts'
import { keys, openTerminal, type Terminal } from './terminal.ts'

let demo: ChatDemo
beforeAll(async () => {
  demo = await startChatDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

function chat(endpoint: ProviderEndpoint, more: string[] = [], env: Record<string, string> = {}): Terminal {
  const args = ['chat', '--provider', 'openai', '--model', 'test-model', '--toolkit', 'shelf', '--toolkit', 'demo']
  return openTerminal([...args, ...more], { ATP_DATA: demo.folder, ...endpoint.env, ...env })
}

/** What the last prompt was, and how many there were. */
const echo: Script = (_results, body) => {
  const said = (body.input as { role?: string; content?: string }[]).flatMap(({ role, content }) =>
    role === 'user' ? [content] : [],
  )
  return { text: `Prompt ${said.length} was: ${said.at(-1)}` }
}

describe('atp chat at a terminal', () => {
  it('reads one prompt after the other, remembers the conversation until /clear, and ends with Ctrl-D', async () => {
    await using endpoint = await startProviderEndpoint('openai', echo)
    const terminal = chat(endpoint)
    await terminal.sees(/Chatting with test-model \(OpenAI\), 10 tools of shelf, demo\..*\n> $/)
    terminal.type(`First${keys.enter}`)
    await terminal.sees(/Prompt 1 was: First\n· 1 turn, 0 calls, 11 tokens in, 7 out\n> $/)
    terminal.type(`Second 日本${keys.enter}`)
    await terminal.sees('Prompt 2 was: Second 日本\n')
    await terminal.sees(/> $/)
    terminal.type(`/clear${keys.enter}`)
    await terminal.sees(/The conversation is forgotten\.\n> $/)
    terminal.type(`Third${keys.enter}`)
    await terminal.sees(/Prompt 1 was: Third\n(.*\n)> $/)
    terminal.type(keys.ctrlD)
    expect(await terminal.exitCode).toBe(0)
  })

  it('shows the tools, the help, and what is no command', async () => {
    await using endpoint = await startProviderEndpoint('openai', echo)
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`/tools${keys.enter}`)
    await terminal.sees(
      / {2}shelf__add {2}\(shelf\) {2}Adds two numbers\n {2}shelf__remove {2}\(shelf, asks first\)[\s\S]*> $/,
    )
    expect(terminal.screen()).toContain('  shelf__greet  (shelf)  Greets in another way\n')
    terminal.type(`/help${keys.enter}`)
    await terminal.sees(/\/clear {2}forget[\s\S]*> $/)
    terminal.type(`/nonsense${keys.enter}`)
    await terminal.sees(/There is no \/nonsense\.[\s\S]*> $/)
    expect(endpoint.requests).toEqual([])
    // A path is a prompt.
    terminal.type(`/etc/hosts is what?${keys.enter}`)
    await terminal.sees(/Prompt 1 was: \/etc\/hosts is what\?\n(.*\n)> $/)
    terminal.type(`/exit${keys.enter}`)
    expect(await terminal.exitCode).toBe(0)
  })

  it('takes pasted lines as one prompt after the other, and the arrow keys for the history', async () => {
    await using endpoint = await startProviderEndpoint('openai', echo)
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`One${keys.enter}Two${keys.enter}Thr`)
    await terminal.sees(/Prompt 2 was: Two\n(.*\n)> Thr$/)
    terminal.type(`ee${keys.enter}`)
    await terminal.sees(/Prompt 3 was: Three\n(.*\n)> $/)
    terminal.type(`\u001b[A${keys.enter}`)
    await terminal.sees(/Prompt 4 was: Three\n(.*\n)> $/)
  })

  it('asks before a destructive tool runs: no by default, yes, and always for this tool', async () => {
    const remove = (thing: string) => ({ calls: [{ name: 'shelf__remove', args: { thing } }] })
    const things = ['vase', 'lamp', 'rug', 'book']
    await using endpoint = await startProviderEndpoint('openai', (results) => {
      const thing = things[results.length]
      return thing === undefined ? { text: results.join(' | ') } : { text: 'Next.', ...remove(thing) }
    })
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`Clear the shelf${keys.enter}`)
    const question =
      /shelf\/remove is marked destructive[\s\S]*"thing": "(\w+)"[\s\S]*Run shelf\/remove\? .*a = always.* $/
    await terminal.sees(question)
    terminal.type(keys.enter)
    await terminal.sees(/^\n→ 1 shelf\/remove .*\n✗ 1 shelf\/remove declined\nNext\.\n[\s\S]*"thing": "lamp"/)
    await terminal.sees(question)
    // What is neither yes nor no is no answer.
    terminal.type(`maybe${keys.enter}`)
    await terminal.sees(/Run shelf\/remove\? .*always.* $/)
    terminal.type(`y${keys.enter}`)
    await terminal.sees(/✓ 2 shelf\/remove \d+ ms {2}"lamp is gone"\n[\s\S]*"thing": "rug"/)
    await terminal.sees(question)
    terminal.type(`a${keys.enter}`)
    await terminal.sees('"rug is gone" | "book is gone"')
    expect(terminal.screen()).toContain('{"error":"The user declined this call; it was not run"} | "lamp is gone"')
    expect(demo.removed.splice(0)).toEqual(['lamp', 'rug', 'book'])
  })

  it('takes nothing that was typed before the question for an answer', async () => {
    const begun = demo.nextPause()
    await using endpoint = await startProviderEndpoint('openai', (results) =>
      results.length === 0
        ? { calls: [{ name: 'shelf__pause', args: {} }] }
        : results.length === 1
          ? { calls: [{ name: 'shelf__remove', args: { thing: 'vase' } }] }
          : { text: 'Done' },
    )
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`Go${keys.enter}`)
    const goOn = await begun
    terminal.type(`y${keys.enter}`)
    await terminal.sees(/y\n/)
    goOn()
    await terminal.sees(/Run shelf\/remove\? .* $/)
    terminal.type(keys.enter)
    await terminal.sees('declined')
    expect(demo.removed).toEqual([])
  })

  it('comes back to the prompt on Ctrl-C in mid-stream, and knows what was said', async () => {
    await using endpoint = await startProviderEndpoint('openai', (_results, body) =>
      (body.input as unknown[]).length === 1
        ? { text: 'Once upon a time', stalls: true }
        : { text: JSON.stringify(body.input) },
    )
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`Tell${keys.enter}`)
    await terminal.sees('Once upon a time')
    terminal.type(keys.ctrlC)
    await terminal.sees(/\nInterrupted\.\n> $/)
    await expect.poll(() => endpoint.open(), { timeout: 15_000 }).toBe(0)
    terminal.type(`Go on${keys.enter}`)
    await terminal.sees('[interrupted by the user]')
    await terminal.sees(/> $/)
    // At the prompt Ctrl-C clears the line, then says how to end, then ends.
    terminal.type(`half a line${keys.ctrlC}`)
    await terminal.sees(/\n> $/)
    terminal.type(keys.ctrlC)
    await terminal.sees(/Ctrl-C again, or Ctrl-D, ends the chat\.\n> $/)
    terminal.type(keys.ctrlC)
    expect(await terminal.exitCode).toBe(130)
  })

  it('cancels a running tool on Ctrl-C, and ends on the next', async () => {
    const begun = demo.nextWait()
    await using endpoint = await startProviderEndpoint('openai', [{ calls: [{ name: 'demo__wait', args: {} }] }])
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`Wait${keys.enter}`)
    const { cancelled } = await begun
    terminal.type(keys.ctrlC)
    expect(await cancelled).toContain('cancelled by its caller')
    await terminal.sees(/Interrupted\.\n> $/)
    terminal.type(keys.ctrlC)
    expect(await terminal.exitCode).toBe(130)
  })

  it('ends the exchange on Ctrl-C at the question', async () => {
    await using endpoint = await startProviderEndpoint('openai', [
      { calls: [{ name: 'shelf__remove', args: { thing: 'vase' } }] },
    ])
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`Remove it${keys.enter}`)
    await terminal.sees(/Run shelf\/remove\? .* $/)
    terminal.type(keys.ctrlC)
    await terminal.sees(/Interrupted\.\n> $/)
    expect(demo.removed).toEqual([])
    expect(endpoint.requests).toHaveLength(1)
  })

  it('tells what failed and goes on', async () => {
    let asked = 0
    await using endpoint = await startProviderEndpoint('openai', (results, body) => {
      asked += 1
      return asked === 1
        ? { refusal: { status: 400, message: 'Not today' } }
        : (echo as (results: string[], body: Record<string, unknown>) => { text: string })(results, body)
    })
    const terminal = chat(endpoint)
    await terminal.sees(/> $/)
    terminal.type(`One${keys.enter}`)
    await terminal.sees(/error: OpenAI refuses the request \(400\): Not today \(invalid_request\)\n> $/)
    terminal.type(`Two${keys.enter}`)
    await terminal.sees('Prompt 1 was: Two')
  })

  it('cuts the lines of calls to the width of the terminal, with colours unless they are refused', async () => {
    const script: Script = (results) =>
      results.length === 0 ? { calls: [{ name: 'demo__echo', args: { long: 'x'.repeat(200) } }] } : { text: 'Done' }
    await using endpoint = await startProviderEndpoint('openai', script)
    const coloured = chat(endpoint, ['Echo'])
    expect(await coloured.exitCode).toBe(0)
    expect(coloured.raw()).toContain('\u001b[')
    const lines = coloured
      .screen()
      .split('\n')
      .filter((line) => /^[→✓]/.test(line))
    expect(lines.map((line) => line.length)).toEqual([80, 80])
    const plain = chat(endpoint, ['Echo'], { NO_COLOR: '1' })
    expect(await plain.exitCode).toBe(0)
    expect(plain.raw()).not.toContain('\u001b[')
  })
})
