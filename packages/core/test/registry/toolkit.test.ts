import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { Toolkit } from '../../src/registry/toolkit.ts'
import { defineTool } from '../../src/tool/define-tool.ts'

const definition = { name: 'search', description: 'Finds things' }

function makeToolkit(): Toolkit {
  return new Toolkit({ appName: 'workspace', caption: 'Files', instructions: 'Be brief' })
}

describe('Toolkit', () => {
  it('keeps its name, caption and instructions', () => {
    expect(makeToolkit()).toMatchObject({ appName: 'workspace', caption: 'Files', instructions: 'Be brief' })
    expect(new Toolkit({ appName: 'My CRM (beta) – Zürich' }).appName).toBe('My CRM (beta) – Zürich')
  })

  it.each(['', '   ', 'a\nb', 'a\u0000', 'a\u009f', 'x'.repeat(129), undefined, null, 5, {}])(
    'refuses the name %j',
    (appName) => {
      expect(() => new Toolkit({ appName: appName as string })).toThrow(
        expect.objectContaining({
          code: 'invalid_name',
          message: expect.stringMatching(/^Toolkit name .* is not allowed/),
        }),
      )
    },
  )

  it('shows its tools by name in the order they were registered', () => {
    const toolkit = makeToolkit()
    const b = toolkit.registerTool({ ...definition, name: 'b', params: z.object({}) }, () => 1)
    const a = toolkit.registerTool({ ...definition, name: 'a', params: ['x'] }, () => 1)
    expect([...toolkit.registeredTools]).toEqual([
      ['b', b],
      ['a', a],
    ])
  })

  it('makes the same tool as defineTool', () => {
    const handler = (): number => 1
    const registered = makeToolkit().registerTool({ ...definition, params: ['x'] }, handler)
    expect(registered).toEqual(defineTool({ ...definition, params: ['x'] }, handler))
  })

  it('refuses a second tool of one name and keeps the first', () => {
    const toolkit = makeToolkit()
    const first = toolkit.registerTool(definition, () => 1)
    expect(() => toolkit.registerTool({ functionName: 'search', description: '' }, () => 2)).toThrow(
      expect.objectContaining({
        code: 'duplicate_tool',
        message: 'Toolkit "workspace" has a tool "search" already; remove it first or choose another name',
      }),
    )
    expect(toolkit.registeredTools.get('search')).toBe(first)
  })

  it('treats __proto__ and constructor as names like any other', () => {
    const toolkit = makeToolkit()
    expect(toolkit.registeredTools.get('constructor')).toBeUndefined()
    expect(toolkit.removeTool('__proto__')).toBe(false)
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const tool = toolkit.registerTool({ ...definition, name }, () => name)
      expect(toolkit.registeredTools.get(name)).toBe(tool)
    }
    expect(({} as { description?: unknown }).description).toBeUndefined()
  })

  it('is not changed by a definition that is refused', () => {
    const toolkit = makeToolkit()
    const changed = vi.fn()
    toolkit.onChange(changed)
    expect(() => toolkit.registerTool({ ...definition, name: 'two words' }, () => 1)).toThrow()
    expect(toolkit.registeredTools.size).toBe(0)
    expect(changed).not.toHaveBeenCalled()
  })

  it('removes a tool, whose name is then free again', () => {
    const toolkit = makeToolkit()
    toolkit.registerTool(definition, () => 1)
    expect(toolkit.removeTool('search')).toBe(true)
    expect(toolkit.removeTool('search')).toBe(false)
    expect(() => toolkit.registerTool(definition, () => 2)).not.toThrow()
  })

  it('tells its listeners of each change until they leave, the new state being there already', () => {
    const toolkit = makeToolkit()
    const sizes: number[] = []
    const leave = toolkit.onChange(() => sizes.push(toolkit.registeredTools.size))
    toolkit.registerTool(definition, () => 1)
    toolkit.removeTool('search')
    toolkit.removeTool('search')
    leave()
    leave()
    toolkit.registerTool(definition, () => 1)
    expect(sizes).toEqual([1, 0])
  })

  it('shares nothing with another toolkit', () => {
    const [one, other] = [makeToolkit(), makeToolkit()]
    one.registerTool(definition, () => 1)
    expect(other.registeredTools.size).toBe(0)
  })
})

describe('what a toolkit tells of itself', () => {
  it('can be set later, which tells the listeners', () => {
    const toolkit = new Toolkit({ appName: 'orders' })
    const changed = vi.fn()
    toolkit.onChange(changed)
    toolkit.caption = 'Looks up orders'
    toolkit.instructions = 'Ask before you cancel.'
    expect([toolkit.caption, toolkit.instructions]).toEqual(['Looks up orders', 'Ask before you cancel.'])
    expect(changed).toHaveBeenCalledTimes(2)
  })

  it('is refused when it is longer than a server takes', () => {
    const tooLong = expect.objectContaining({ code: 'invalid_request' })
    expect(() => new Toolkit({ appName: 'orders', caption: 'x'.repeat(4_097) })).toThrow(tooLong)
    const toolkit = new Toolkit({ appName: 'orders', instructions: 'x'.repeat(65_536) })
    expect(() => {
      toolkit.instructions = 'x'.repeat(65_537)
    }).toThrow(tooLong)
    expect(toolkit.instructions).toHaveLength(65_536)
  })
})
