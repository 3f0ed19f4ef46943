import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Import, readImports, typescriptFiles } from '../../../../scripts/test/read-imports.ts'

const source = fileURLToPath(new URL('../../src', import.meta.url))

/** What each folder may import, in the order data flows through them; files outside any folder may import all. */
const below: Record<string, readonly string[]> = {
  errors: [],
  logging: [],
  tracing: ['errors', 'logging'],
  protocol: ['errors', 'logging'],
  tool: ['errors', 'logging', 'protocol'],
  apps: ['errors', 'logging', 'protocol', 'tool'],
  registry: ['errors', 'logging', 'protocol', 'tool', 'apps', 'tracing'],
  dispatch: ['errors', 'logging', 'protocol', 'tool', 'registry', 'tracing'],
  http: ['errors', 'logging', 'protocol', 'tool', 'registry', 'dispatch', 'tracing'],
  transport: ['errors', 'logging', 'protocol'],
  providers: ['errors', 'logging', 'protocol', 'tool'],
  clients: [
    'errors',
    'logging',
    'protocol',
    'tool',
    'apps',
    'registry',
    'dispatch',
    'transport',
    'providers',
    'tracing',
  ],
}

/** The folder of a file of the source; empty for those outside any. */
function folderOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : ''
}

/** Imports that point upward, sideways or out of the source. */
function backEdges(imports: Import[]): string[] {
  return imports.flatMap(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return []
    const from = folderOf(file)
    const to = folderOf(posix.join(posix.dirname(file), specifier))
    const allowed = from === '' ? Object.keys(below) : [from, ...(below[from] ?? [])]
    return allowed.includes(to) ? [] : [`${file} imports ${specifier}`]
  })
}

describe('the folders of the source', () => {
  it('all have a place in the order', () => {
    const folders = new Set(typescriptFiles(source).map(folderOf))
    expect([...folders].filter((folder) => folder !== '' && !(folder in below))).toEqual([])
  })

  it('import only folders below them', () => {
    expect(backEdges(readImports(source))).toEqual([])
  })

  it('import by relative path with the .ts ending, or a package', () => {
    const imports = readImports(source)
    expect(imports.length).toBeGreaterThan(50)
    const odd = imports.filter(({ specifier }) => specifier.startsWith('.') && !specifier.endsWith('.ts'))
    expect(odd).toEqual([])
  })
})

describe('this test', () => {
  it.each([
    ['errors/codes.ts', '../protocol/json.ts'],
    ['logging/logger.ts', '../errors/codes.ts'],
    ['protocol/json.ts', '../tool/tool.ts'],
    ['tool/tool.ts', '../registry/toolkit.ts'],
    ['tool/tool.ts', '../dispatch/invoke-tool.ts'],
    ['apps/define-app.ts', '../registry/toolkit.ts'],
    ['apps/define-app.ts', '../dispatch/invoke-tool.ts'],
    ['tool/tool.ts', '../apps/define-app.ts'],
    ['registry/toolkit.ts', '../dispatch/invoke-tool.ts'],
    ['dispatch/invoke-tool.ts', '../clients/llm-client.ts'],
    ['transport/websocket.ts', '../tool/tool.ts'],
    ['providers/openai.ts', '../registry/toolkit.ts'],
    ['providers/openai.ts', '../clients/llm-client.ts'],
    ['providers/openai.ts', '../transport/transport.ts'],
    ['http/routes.ts', '../clients/llm-client.ts'],
    ['clients/llm-client.ts', '../http/routes.ts'],
    ['clients/llm-client.ts', '../index.ts'],
    ['clients/deep/er.ts', '../../index.ts'],
    ['protocol/json.ts', '../../package.json'],
    ['index.ts', '../test/x.ts'],
  ])('would see %s import %s', (file, specifier) => {
    expect(backEdges([{ file, specifier }])).toHaveLength(1)
  })

  it.each([
    ['index.ts', './clients/llm-client.ts'],
    ['protocol/codec.ts', './json.ts'],
    ['protocol/codec.ts', '../errors/codes.ts'],
    ['clients/llm-client.ts', '../providers/openai.ts'],
    ['apps/define-app.ts', '../tool/define-tool.ts'],
    ['registry/toolkit.ts', '../apps/define-app.ts'],
    ['clients/deep/er.ts', '../../dispatch/invoke-tool.ts'],
    ['protocol/json.ts', 'zod'],
  ])('would let %s import %s', (file, specifier) => {
    expect(backEdges([{ file, specifier }])).toEqual([])
  })
})
