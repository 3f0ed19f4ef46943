import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type OutputChunk, rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Bundles an entry as a worker platform would: no Node, and the conditions such platforms use. */
async function bundle(entry: string): Promise<OutputChunk[]> {
  const build = await rolldown({
    input: fileURLToPath(new URL(`../../src/${entry}`, import.meta.url)),
    platform: 'neutral',
    resolve: { conditionNames: ['@atp/source', 'workerd', 'worker', 'import', 'default'] },
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  return output.filter((each) => each.type === 'chunk')
}

describe.each([
  ['index.ts', 'Toolkit'],
  ['protocol.ts', 'decodeFromLlm'],
  ['http.ts', 'createAtpHandler'],
])('the entry %s, bundled for a platform without Node', (entry, name) => {
  let chunks: OutputChunk[] = []
  let folder = ''

  beforeAll(async () => {
    chunks = await bundle(entry)
    folder = await mkdtemp(join(tmpdir(), 'atp-bundle-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('is one chunk that imports nothing', () => {
    expect(chunks).toHaveLength(1)
    expect(chunks[0]?.imports).toEqual([])
    expect(chunks[0]?.dynamicImports).toEqual([])
  })

  it('holds our code and names no module of Node', () => {
    const code = chunks[0]?.code ?? ''
    expect(code).toContain('Missing required parameters')
    expect(code).not.toContain('node:')
    expect(code).not.toMatch(/\brequire\(/)
  })

  it('loads where the globals of Node are missing and no code may be generated', async () => {
    const file = join(folder, 'bundle.mjs')
    const probe = [
      'const { exit, stdout } = process',
      'for (const name of ["process", "Buffer", "global", "setImmediate", "clearImmediate"]) delete globalThis[name]',
      `const names = Object.keys(await import(${JSON.stringify(pathToFileURL(file).href)}))`,
      'stdout.write(names.join(), () => exit(0))',
    ].join('\n')
    await writeFile(file, chunks[0]?.code ?? '')
    await writeFile(join(folder, 'probe.mjs'), probe)
    const flags = ['--disallow-code-generation-from-strings', join(folder, 'probe.mjs')]
    const { stdout } = await promisify(execFile)(process.execPath, flags)
    expect(stdout).toContain(name)
  })
})
