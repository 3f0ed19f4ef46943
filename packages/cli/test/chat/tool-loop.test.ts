import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatDemo, startChatDemo } from './chat-demo.ts'
import { endpointProviders, type Script, startProviderEndpoint } from './provider-endpoint/index.ts'
import { type ChatRun, runChat } from './run-chat.ts'

let demo: ChatDemo
beforeAll(async () => {
  demo = await startChatDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

const adding: Script = (results) => {
  if (results.length === 0) {
    return {
      text: 'Ich schaue nach: 日本 🙂',
      calls: [
        { name: 'add', args: { a: 2, b: 3 } },
        { name: 'greet', args: { name: 'Zoë 日本 👩‍👩‍👧' } },
      ],
    }
  }
  if (results.length === 2) return { calls: [{ name: 'add', args: { a: 20, b: 30 } }] }
  return { text: `The tools said: ${results.join(' | ')}` }
}
const quoted = 'The tools said: {"sum":5} | "Grüezi, Zoë 日本 👩‍👩‍👧! 日本 🙂" | {"sum":50}'

/** Not the times, and the text as one event however it came in pieces. */
function shown({ events }: ChatRun): unknown[] {
  return events.reduce<Record<string, unknown>[]>((all, { duration_ms: _ms, id, ...event }) => {
    const last = all.at(-1)
    if (event.type === 'text' && last?.type === 'text') last.text += String(event.text)
    else all.push({ ...event, ...(id === undefined ? {} : { id: expect.any(String) }) })
    return all
  }, [])
}

describe.each(endpointProviders)('atp chat with %s', (provider) => {
  it('goes two rounds through tools, parallel calls among them, and prints the answer alone on stdout', async () => {
    await using endpoint = await startProviderEndpoint(provider, adding)
    const { code, stdout, stderr } = await runChat(provider, demo, endpoint, ['Add and greet'])
    expect({ code, problems: endpoint.problems }).toEqual({ code: 0, problems: [] })
    expect(stdout).toBe(`Ich schaue nach: 日本 🙂\n${quoted}\n`)
    expect(endpoint.requests).toHaveLength(3)
    expect(stderr).toMatch(/^→ 1 shelf\/add {2}\{"a":2,"b":3\}$/m)
    expect(stderr).toMatch(/^→ 2 shelf\/greet {2}\{"name":"Zoë 日本 👩‍👩‍👧"\}$/m)
    expect(stderr).toMatch(/^✓ 1 shelf\/add \d+ ms {2}\{"sum":5\}$/m)
    expect(stderr).toMatch(/^✓ 3 shelf\/add \d+ ms {2}\{"sum":50\}$/m)
  })

  it('prints a transcript as JSON lines, which ends with the answer', async () => {
    await using endpoint = await startProviderEndpoint(provider, adding)
    const run = await runChat(provider, demo, endpoint, ['--json', 'Add and greet'])
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' })
    const usage = { type: 'usage', input_tokens: 11, output_tokens: 7 }
    const at = (tool: string) => ({ id: expect.any(String), toolkit: 'shelf', tool })
    const begun = [
      { type: 'tool_call', ...at('add'), arguments: { a: 2, b: 3 } },
      { type: 'tool_call', ...at('greet'), arguments: { name: 'Zoë 日本 👩‍👩‍👧' } },
    ]
    const events = shown(run)
    expect(events.slice(0, 4)).toEqual([{ type: 'text', text: 'Ich schaue nach: 日本 🙂' }, usage, ...begun])
    // Parallel calls end in any order.
    expect(events.slice(4, 6)).toEqual(
      expect.arrayContaining([
        { type: 'tool_result', ...at('add'), ok: true, result: { sum: 5 } },
        { type: 'tool_result', ...at('greet'), ok: true, result: 'Grüezi, Zoë 日本 👩‍👩‍👧! 日本 🙂' },
      ]),
    )
    expect(events.slice(6)).toEqual([
      usage,
      { type: 'tool_call', ...at('add'), arguments: { a: 20, b: 30 } },
      { type: 'tool_result', ...at('add'), ok: true, result: { sum: 50 } },
      { type: 'text', text: quoted },
      usage,
      { type: 'end', reason: 'done', text: quoted, turns: 3 },
    ])
    for (const event of run.events.filter(({ type }) => type === 'tool_result')) {
      expect(event.duration_ms).toEqual(expect.any(Number))
    }
  })

  it('tells the model of arguments that are no JSON, of errors of tools and of tools that do not exist', async () => {
    // Anthropic's arguments are text too while they stream.
    await using endpoint = await startProviderEndpoint(provider, (results) =>
      results.length === 0
        ? {
            calls: [
              { name: 'shelf__add', args: '{"a": 2, "b"' },
              { name: 'demo__fail', args: {} },
              { name: 'nothing', args: {} },
              { name: 'shelf__add', args: { a: 1, b: 'one' } },
              { name: 'shelf__add', args: { a: 1, b: 1 } },
            ],
          }
        : { text: results.join(' | ') },
    )
    const run = await runChat(provider, demo, endpoint, ['--json', 'Try'], { toolkits: ['shelf', 'demo'] })
    expect({ code: run.code, problems: endpoint.problems }).toEqual({ code: 0, problems: [] })
    const answers = String(run.events.at(-1)?.text).split(' | ')
    expect(answers[0]).toContain('could not be read')
    expect(answers[1]).toContain('out of')
    expect(answers[2]).toBe('{"error":"There is no tool \\"nothing\\""}')
    expect(answers[3]).toContain('b')
    expect(answers[4]).toBe('{"sum":2}')
    expect(run.events.filter(({ type }) => type === 'tool_result').map(({ code }) => code)).toEqual(
      expect.arrayContaining(['invalid_params', 'tool_error', 'tool_not_found', 'invalid_params', undefined]),
    )
  })

  it('keeps the tools of several toolkits apart, also those of one name', async () => {
    await using endpoint = await startProviderEndpoint(provider, (results, body) => {
      if (results.length > 0) return { text: results.join(' | ') }
      const names = JSON.stringify(body.tools).match(/"\w*greet"/g) ?? []
      return { calls: names.map((name) => ({ name: JSON.parse(name), args: { name: 'Alice' } })) }
    })
    const run = await runChat(provider, demo, endpoint, ['--json', 'Greet'], { toolkits: ['demo', 'shelf', 'demo'] })
    expect({ code: run.code, problems: endpoint.problems }).toEqual({ code: 0, problems: [] })
    expect(run.events.at(-1)?.text).toBe('{"greeting":"Hello Alice"} | "Grüezi, Alice! 日本 🙂"')
    const system = 'For the tools of "demo":\nBe kind.\n\nFor the tools of "shelf":\nCount twice.'
    expect(JSON.stringify(endpoint.requests[0])).toContain(JSON.stringify(system))
  })

  it('runs a destructive tool only when it may, and tells the model when not', async () => {
    const script: Script = (results) =>
      results.length === 0
        ? {
            calls: [
              { name: 'remove', args: { thing: 'vase' } },
              { name: 'add', args: { a: 1, b: 1 } },
            ],
          }
        : { text: results.join(' | ') }
    await using endpoint = await startProviderEndpoint(provider, script)
    const refused = await runChat(provider, demo, endpoint, ['--json', 'Remove it'])
    expect({ code: refused.code, problems: endpoint.problems }).toEqual({ code: 0, problems: [] })
    expect(refused.events.at(-1)?.text).toBe(
      '{"error":"This tool is marked destructive and nobody is there to allow it; it was not run"} | {"sum":2}',
    )
    expect(refused.events.find(({ type }) => type === 'tool_result')).toMatchObject({ ok: false, declined: true })
    expect(demo.removed).toEqual([])
    const allowed = await runChat(provider, demo, endpoint, ['--json', '--yes', 'Remove it'])
    expect(allowed.events.at(-1)?.text).toBe('"vase is gone" | {"sum":2}')
    expect(demo.removed.splice(0)).toEqual(['vase'])
  })
})
