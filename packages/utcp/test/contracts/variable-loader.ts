import { describe, expect, it } from 'vitest'
import type { VariableLoader } from '../../src/index.ts'

/** The contract of {@link VariableLoader}: each of its sentences as a test. */
export function describeVariableLoader(
  name: string,
  open: (values: Readonly<Record<string, string>>) => Promise<VariableLoader>,
): void {
  describe(`the variable loader ${name}`, () => {
    it('gives values by their full names', async () => {
      const loader = await open({ m_KEY: 'value', OTHER: 'with spaces = and #' })
      expect(await loader.get('m_KEY')).toBe('value')
      expect(await loader.get('OTHER')).toBe('with spaces = and #')
    })

    it('gives nothing for names it does not have, those of objects’ own members too', async () => {
      const loader = await open({ KEY: 'value' })
      for (const missing of ['key', 'KEY2', '', 'constructor', '__proto__', 'hasOwnProperty']) {
        expect((await loader.get(missing)) ?? undefined).toBeUndefined()
      }
    })
  })
}
