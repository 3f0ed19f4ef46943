import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { bundleEntry } from '@atp/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const source = fileURLToPath(new URL('../src', import.meta.url))

describe('an app with tools, bundled for a platform without Node', () => {
  let code = ''
  let folder = ''
  beforeAll(async () => {
    // Fails when the bundle is more than one file or imports anything.
    code = await bundleEntry(new URL('./hosts/bindings.ts', import.meta.url))
    folder = await mkdtemp(join(tmpdir(), 'atp-hono-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('holds the routes and names no module of Node', () => {
    expect(code).toContain('Toolkit not found')
    expect(code).not.toContain('node:')
    expect(code).not.toMatch(/\brequire\(/)
    expect(code).not.toMatch(/^import\s/m)
  })

  it('runs its tools in a Node process that may not generate code', async () => {
    await writeFile(join(folder, 'app.mjs'), code)
    await writeFile(join(folder, 'probe.mjs'), probe(pathToFileURL(join(folder, 'app.mjs')).href))
    const flags = ['--disallow-code-generation-from-strings', join(folder, 'probe.mjs')]
    const { stdout } = await promisify(execFile)(process.execPath, flags)
    expect(JSON.parse(stdout)).toEqual([
      { result: 'Hello, Ada!' },
      { error: 'Code generation from strings disallowed for this context', code: 'tool_error' },
    ])
  })
})

describe('the source', () => {
  it('imports nothing but Hono and the core, and generates no code', () => {
    for (const file of readdirSync(source)) {
      const text = readFileSync(join(source, file), 'utf8')
      const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
      expect(imported.filter((name) => !/^(\.\/|hono($|\/)|@atp\/core$)/.test(name ?? ''))).toEqual([])
      expect(text).not.toMatch(/\beval\s*\(|\bnew\s+Function\b|(?<![.\w])Function\s*\(/)
    }
  })
})

/** A program that calls the app's two tools. */
function probe(app: string): string {
  return `
    const { default: app } = await import(${JSON.stringify(app)})
    const execution = { waitUntil() {}, passThroughOnException() {}, props: {} }
    const run = async (tool, body) => {
      const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      const answer = await app.request('/atp/worker/' + tool, init, { GREETING: 'Hello' }, execution)
      const { result, error, code } = await answer.json()
      return { result, error, code }
    }
    const answers = [await run('greet', { name: 'Ada' }), await run('generate', {})]
    process.stdout.write(JSON.stringify(answers))
  `
}
