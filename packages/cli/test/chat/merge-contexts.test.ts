import type { ToolkitContext, ToolkitsContext, ToolRoute } from '@atp/core'
import { describe, expect, it } from 'vitest'
import { fromOne, fromSeveral } from '../../src/chat/merge-contexts.ts'

const tool = (name: string) => ({ type: 'function', function: { name, description: `${name} it\nAt length` } })

function one(tools: string[], more: Partial<ToolkitContext> = {}): ToolkitContext {
  return {
    toolkitId: 'id-shop',
    toolkitName: 'shop',
    caption: '',
    provider: 'openai-chat',
    tools: tools.map(tool),
    userPrompt: '',
    warnings: [],
    annotations: [],
    ...more,
  }
}

function several(routes: Record<string, ToolRoute>, more: Partial<ToolkitsContext> = {}): ToolkitsContext {
  return {
    toolkits: [],
    provider: 'openai-chat',
    tools: Object.keys(routes).map(tool),
    routes: new Map(Object.entries(routes)),
    userPrompt: '',
    warnings: [],
    ...more,
  }
}

const route = (toolkitName: string, name: string, annotations: ToolRoute['annotations']): ToolRoute => ({
  toolkitId: `id-${toolkitName}`,
  toolkitName,
  tool: name,
  annotations,
})

describe('the tools of one toolkit', () => {
  it('keep their names, and are told by the first line of what they do', () => {
    const { routes, tools } = fromOne(one(['find']))
    expect(tools).toEqual([tool('find')])
    expect([...routes.values()]).toEqual([
      {
        name: 'find',
        toolkitId: 'id-shop',
        toolkitName: 'shop',
        tool: 'find',
        summary: 'find it',
        destructive: false,
      },
    ])
  })

  it('in flat form are read too', () => {
    const { routes } = fromOne(one([], { tools: [{ type: 'function', name: 'find', description: 'Finds' }] }))
    expect(routes.get('find')).toMatchObject({ summary: 'Finds' })
  })

  it('are destructive when their author says so, and when the server says nothing of any tool', () => {
    const destructive = (context: ToolkitContext) =>
      [...fromOne(context).routes.values()].map((each) => each.destructive)
    const annotations = [
      { tool: 'remove', destructive: true, readOnly: true },
      { tool: 'read', destructive: false },
    ]
    expect(destructive(one(['remove', 'read', 'plain'], { annotations }))).toEqual([true, false, false])
    expect(destructive(one(['anything'], { annotations: undefined }))).toEqual([true])
  })

  it('come with what their author tells the model', () => {
    expect(fromOne(one([], { instructions: 'Be kind.' })).instructions).toBe('Be kind.')
    expect(fromOne(one([], { instructions: '' })).instructions).toBeUndefined()
  })
})

describe('the tools of several toolkits', () => {
  it('are called by the names that their toolkits know', () => {
    const { routes, instructions } = fromSeveral(
      several(
        { web__find: route('web', 'find', {}), old__find: route('old', 'find', undefined) },
        { instructions: 'For the tools of "web":\nBe kind.' },
      ),
    )
    expect(routes.get('web__find')).toEqual({
      name: 'web__find',
      toolkitId: 'id-web',
      toolkitName: 'web',
      tool: 'find',
      summary: 'web__find it',
      destructive: false,
    })
    expect(routes.get('old__find')?.destructive).toBe(true)
    expect(instructions).toBe('For the tools of "web":\nBe kind.')
  })

  it('are not there when one toolkit is missing, which the user asked for', () => {
    const warning = { toolkit: 'typo', tool: '', provider: 'openai', code: 'toolkit_not_found', message: 'No "typo"' }
    expect(() => fromSeveral(several({}, { warnings: [warning] }))).toThrow(
      expect.objectContaining({ code: 'toolkit_not_found', message: 'No "typo"' }),
    )
    expect(fromSeveral(several({}, { warnings: [{ ...warning, tool: 'odd' }] })).warnings).toHaveLength(1)
  })
})
