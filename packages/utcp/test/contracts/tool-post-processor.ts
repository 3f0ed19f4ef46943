import { silentLogger } from '@atp/core'
import { describe, expect, it } from 'vitest'
import type { ResultScope, Tool, ToolPostProcessor } from '../../src/index.ts'

const caller = { rootDir: undefined, logger: silentLogger }

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}

/**
 * The contract of {@link ToolPostProcessor} and of the scopes that all of ours have.
 * @param sample a result that the processor changes
 */
export function describeToolPostProcessor(
  name: string,
  make: (scope: ResultScope) => ToolPostProcessor,
  sample: unknown,
): void {
  const tool = (toolName: string): Tool => ({
    ...{ name: toolName, description: '', inputs: {}, outputs: {}, tags: [] },
    // The manual's name counts, not that of the tool's template.
    tool_call_template: { name: 'misleading', call_template_type: 'fake' },
  })
  const changes = async (scope: ResultScope, toolName = 'm.a', manual = 'm'): Promise<boolean> => {
    const template = { name: manual, call_template_type: 'fake' }
    const processed = await make(scope).postProcess(caller, tool(toolName), template, freeze(structuredClone(sample)))
    return JSON.stringify(processed) !== JSON.stringify(sample)
  }

  describe(`the post-processor ${name}`, () => {
    it('returns another result and leaves the one it got as it is', async () => {
      expect(await changes({})).toBe(true)
    })

    it('looks at the tools and manuals it shall, and at no others', async () => {
      expect(await changes({ exclude_tools: ['m.a'] })).toBe(false)
      expect(await changes({ exclude_tools: ['m.b'] })).toBe(true)
      expect(await changes({ only_include_tools: ['m.a'] })).toBe(true)
      expect(await changes({ only_include_tools: ['m.b'] })).toBe(false)
      expect(await changes({ exclude_manuals: ['m'] })).toBe(false)
      expect(await changes({ exclude_manuals: ['misleading'] })).toBe(true)
      expect(await changes({ only_include_manuals: ['m'] })).toBe(true)
      expect(await changes({ only_include_manuals: ['misleading'] })).toBe(false)
      expect(await changes({ only_include_tools: [], only_include_manuals: [], exclude_tools: [] })).toBe(true)
    })

    it('passes values on that have nothing for it', async () => {
      const template = { name: 'm', call_template_type: 'fake' }
      for (const value of [null, undefined, 5, true, '', new Uint8Array([1, 2])]) {
        expect(await make({}).postProcess(caller, tool('m.a'), template, value)).toBe(value)
      }
    })
  })
}
