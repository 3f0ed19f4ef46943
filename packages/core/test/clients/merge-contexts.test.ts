import { describe, expect, it } from 'vitest'
import { mergeContexts, type ToolkitsContext } from '../../src/clients/merge-contexts.ts'
import type { ToolkitContext } from '../../src/protocol/http-bodies.ts'

function context(
  toolkitId: string,
  toolkitName: string,
  tools: string[],
  more: Partial<ToolkitContext> = {},
): ToolkitContext {
  return {
    toolkitId,
    toolkitName,
    caption: '',
    provider: 'openai',
    tools: tools.map((name) => ({ type: 'function', name, strict: false })),
    userPrompt: '',
    warnings: [],
    annotations: [],
    ...more,
  }
}

const merge = (...contexts: ToolkitContext[]): ToolkitsContext =>
  mergeContexts(contexts, { provider: 'openai', userPrompt: 'hi', unavailable: [] })

const namesOf = ({ tools }: ToolkitsContext): unknown[] => tools.map(({ name }) => name)

describe('the names in a merged context', () => {
  it('say whose tool it is, whether its bare name is taken or not', () => {
    const merged = merge(context('1', 'mail', ['send', 'search']), context('2', 'files', ['search']))
    expect(namesOf(merged)).toEqual(['mail__send', 'mail__search', 'files__search'])
    expect(merged.routes.get('files__search')).toEqual({
      toolkitId: '2',
      toolkitName: 'files',
      tool: 'search',
      annotations: {},
    })
    expect(merged.tools[0]).toEqual({ type: 'function', name: 'mail__send', strict: false })
  })

  it('stay when other toolkits come, go or change', () => {
    const long = 'x'.repeat(64)
    const mail = context('1', 'Post & Mail', ['send', long])
    const alone = namesOf(merge(mail))
    expect(namesOf(merge(context('2', 'files', ['send', long]), mail)).slice(2)).toEqual(alone)
    expect(namesOf(merge(context('2', 'files', ['other']), mail)).slice(1)).toEqual(alone)
  })

  it('are legal and unique, however toolkits are called', () => {
    const merged = merge(
      context('1', 'a', ['_b', 'x']),
      context('2', 'a_', ['b', 'x']),
      context('3', 'a', ['x']),
      context('4', 'Ä&Ö', ['x'.repeat(64)]),
      context('5', '', ['']),
    )
    const names = namesOf(merged) as string[]
    expect(new Set(names).size).toBe(7)
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
    // Neither of two that would be called the same gets the bare name: it would depend on the order.
    expect(names).not.toContain('a__x')
    expect(names).not.toContain('a___b')
    expect(names.map((name) => merged.routes.get(name)?.toolkitId)).toEqual(['1', '1', '2', '2', '3', '4', '5'])
  })

  it('are written where the provider has them', () => {
    const nested = context('1', 'mail', [], {
      tools: [{ type: 'function', function: { name: 'send', parameters: {} } }],
    })
    expect(merge(nested).tools).toEqual([{ type: 'function', function: { name: 'mail__send', parameters: {} } }])
  })
})

describe('a merged context', () => {
  it('counts a toolkit once that was asked for by two of its names', () => {
    const merged = merge(context('1', 'mail', ['send']), context('1', 'mail', ['send']))
    expect(namesOf(merged)).toEqual(['mail__send'])
    expect(merged.toolkits).toHaveLength(1)
  })

  it('says of instructions whose tools they are for', () => {
    const merged = merge(
      context('1', 'mail', [], { instructions: 'Be brief' }),
      context('2', 'files', [], { instructions: '' }),
      context('3', 'web', [], { instructions: 'Be quick' }),
    )
    expect(merged.instructions).toBe('For the tools of "mail":\nBe brief\n\nFor the tools of "web":\nBe quick')
    expect(merge(context('1', 'mail', []))).not.toHaveProperty('instructions')
  })

  it('keeps warnings with the name of their toolkit, and those of toolkits that are missing', () => {
    const warning = { tool: 'send', provider: 'openai', code: 'unsatisfiable', message: 'Left out' }
    const gone = { toolkit: 'gone', tool: '', provider: 'openai', code: 'toolkit_not_found', message: 'Left out' }
    const merged = mergeContexts([context('1', 'mail', [], { warnings: [warning] })], {
      provider: 'openai',
      userPrompt: '',
      unavailable: [gone],
    })
    expect(merged.warnings).toEqual([{ ...warning, toolkit: 'mail' }, gone])
  })

  it('has what authors say of each tool, and says where a server does not tell', () => {
    const mail = context('1', 'mail', ['send', 'read'], { annotations: [{ tool: 'send', destructive: true }] })
    const { routes } = merge(mail, context('3', 'old', ['send'], { annotations: undefined }))
    expect([...routes].map(([name, { annotations }]) => [name, annotations])).toEqual([
      ['mail__send', { destructive: true }],
      ['mail__read', {}],
      ['old__send', undefined],
    ])
  })

  it('has no more tools than the provider takes, and says which are left out', () => {
    const many = (id: string) =>
      context(
        id,
        `k${id}`,
        Array.from({ length: 100 }, (_, index) => `t${index}`),
      )
    const merged = merge(many('1'), many('2'))
    expect([merged.tools.length, merged.routes.size]).toEqual([128, 128])
    expect(merged.warnings).toHaveLength(72)
    expect(merged.warnings[0]).toEqual({
      toolkit: 'k2',
      tool: 't28',
      provider: 'openai',
      code: 'too_many_tools',
      message: 'Left out: openai takes 128 tools',
    })
  })
})
