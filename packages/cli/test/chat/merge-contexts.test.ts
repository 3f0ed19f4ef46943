import type { ToolkitContext } from '@atp/core'
import { describe, expect, it } from 'vitest'
import { mergeContexts } from '../../src/chat/merge-contexts.ts'

function context(name: string, tools: string[], more: Partial<ToolkitContext> = {}): ToolkitContext {
  return {
    toolkitId: `id-${name}`,
    toolkitName: name,
    caption: '',
    provider: 'openai-chat',
    tools: tools.map((tool) => ({ type: 'function', function: { name: tool, description: `${tool} it\nAt length` } })),
    userPrompt: '',
    warnings: [],
    annotations: [],
    ...more,
  }
}

const namesOf = (...contexts: ToolkitContext[]): string[] =>
  mergeContexts(contexts).tools.map((tool) => (tool.function as { name: string }).name)

describe('tools of several toolkits', () => {
  it('keep their names where they are the only ones', () => {
    expect(namesOf(context('a', ['add', 'greet']), context('b', ['find']))).toEqual(['add', 'greet', 'find'])
  })

  it('get the toolkit in front where two have one name, and are called by the old one', () => {
    const { routes } = mergeContexts([context('My Files', ['find', 'add']), context('web', ['find'])])
    expect([...routes.keys()]).toEqual(['My_Files_find', 'add', 'web_find'])
    expect(routes.get('web_find')).toEqual({
      name: 'web_find',
      toolkitId: 'id-web',
      toolkitName: 'web',
      tool: 'find',
      summary: 'find it',
      destructive: false,
    })
  })

  it('never get the name of another tool, nor one that providers refuse', () => {
    const names = namesOf(
      context('web', ['find', 'x'.repeat(64)]),
      context('wéb', ['find', 'x'.repeat(64)]),
      context('other', ['web_find', 'w_b_find']),
    )
    expect(names.slice(0, 1)).toEqual(['web_find_2'])
    expect(new Set(names).size).toBe(6)
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  })

  it('count once when a toolkit is named twice, by its id and its name', () => {
    expect(namesOf(context('a', ['add']), context('a', ['add']))).toEqual(['add'])
  })

  it('in flat form are renamed too', () => {
    const flat = (name: string) => context(name, [], { tools: [{ type: 'function', name: 'find', description: '' }] })
    expect(mergeContexts([flat('a'), flat('b')]).tools.map(({ name }) => name)).toEqual(['a_find', 'b_find'])
  })
})

describe('a tool', () => {
  it('is destructive when its author says so, and when the server says nothing of any tool', () => {
    const annotations = [
      { tool: 'remove', destructive: true, readOnly: true },
      { tool: 'read', destructive: false },
    ]
    const { routes } = mergeContexts([
      context('told', ['remove', 'read', 'plain'], { annotations }),
      context('untold', ['anything'], { annotations: undefined }),
    ])
    expect([...routes.values()].map(({ name, destructive }) => [name, destructive])).toEqual([
      ['remove', true],
      ['read', false],
      ['plain', false],
      ['anything', true],
    ])
  })
})

describe('instructions', () => {
  it('of one toolkit stay as they are, of several they name it', () => {
    const kind = context('a', [], { instructions: 'Be kind.' })
    expect(mergeContexts([kind]).instructions).toBe('Be kind.')
    expect(mergeContexts([context('b', [])]).instructions).toBeUndefined()
    expect(mergeContexts([kind, context('b', [])]).instructions).toBe('For the tools of "a":\nBe kind.')
  })
})
