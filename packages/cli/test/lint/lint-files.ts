import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runAtp, temporaryFolder } from '../run-atp.ts'
import { runHere } from '../run-here.ts'

/** A module in a temporary folder finds no packages by their names. */
const core = JSON.stringify(fileURLToPath(new URL('../../node_modules/@atp/core/src/index.ts', import.meta.url)))
export const formats = ['openai', 'openai-chat', 'openai-strict', 'openai-chat-strict', 'anthropic', 'mistralai']

/** A schema that goes out to every provider as it is. */
export const plain = {
  type: 'object',
  properties: { q: { type: 'string', description: 'What to look for' } },
  required: ['q'],
  additionalProperties: false,
}
/** One that a server takes, and no arguments fit. */
export const impossible = { type: 'object', properties: { a: false }, required: ['a'] }

export function file(name: string, text: string): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, text)
  return path
}

/** A module whose toolkit `shop` has the given tools; `more` follows. */
export function moduleFile(name: string, schemas: Record<string, unknown>, more = 'export { shop }'): string {
  const tools = Object.entries(schemas).map(
    ([tool, schema]) =>
      `shop.registerTool({ name: '${tool}', description: 'Does ${tool}', params: ${JSON.stringify(schema)} }, () => 1)`,
  )
  const imports = name.endsWith('cjs')
    ? `const { Toolkit } = require(${core})`
    : `import { createRegistry, ToolKitClient, Toolkit } from ${core}`
  return file(name, [imports, "const shop = new Toolkit({ appName: 'shop' })", ...tools, more].join('\n'))
}

export function jsonFile(value: unknown): string {
  return file('tools.json', JSON.stringify(value))
}

/** In a process of its own, as modules need it. */
export const lint = (...args: string[]) => runAtp(['lint', ...args])
/** In this one, for what runs no module. */
export const lintHere = (...args: string[]) => runHere('lint', ...args)
