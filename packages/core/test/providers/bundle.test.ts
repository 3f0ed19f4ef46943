import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

/** What a bundler keeps of an import, in characters of code. */
async function bundle(code: string): Promise<string> {
  const source = fileURLToPath(new URL('../../src/', import.meta.url))
  const build = await rolldown({
    input: 'entry',
    platform: 'neutral',
    resolve: { conditionNames: ['@atp/source', 'workerd', 'import', 'default'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? `${source}entry.js` : undefined),
        load: (id) => (id === `${source}entry.js` ? code : undefined),
      },
    ],
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  return output[0].code
}

test('a fetch handler carries no code that lowers schemas', async () => {
  const handler = await bundle("export { createFetchHandler } from './index.ts'")
  const formats = await bundle("export { checkTool } from './providers.ts'")
  expect(formats).toContain('Nested no deeper here')
  expect(handler).not.toContain('Nested no deeper here')
  expect(handler).not.toContain('root_wrapped')
})

test('reading calls and writing results by hand does not need the clients', async () => {
  expect(await bundle("export { anthropicFormat } from './providers.ts'")).not.toContain('WebSocket')
})
