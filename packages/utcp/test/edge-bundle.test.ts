import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { describe, expect, it } from 'vitest'

const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url))

/** Bundles as worker platforms do: no Node, their conditions, and `module` before `main` for packages without exports. */
async function bundle(): Promise<string> {
  const build = await rolldown({
    input: entry,
    platform: 'neutral',
    resolve: {
      conditionNames: ['@atp/source', 'workerd', 'worker', 'browser', 'import', 'default'],
      mainFields: ['module', 'main'],
    },
    logLevel: 'silent',
  })
  // As their bundlers do, which have no second file to load.
  const { output } = await build.generate({ format: 'esm', codeSplitting: false })
  await build.close()
  const [chunk, ...others] = output.filter((each) => each.type === 'chunk')
  expect(others).toEqual([])
  expect([...(chunk?.imports ?? []), ...(chunk?.dynamicImports ?? [])]).toEqual([])
  return chunk?.code ?? ''
}

describe('the root entry', () => {
  it('is one file without Node, and works where no code may be generated', async () => {
    const code = await bundle()
    const folder = await mkdtemp(join(tmpdir(), 'utcp-'))
    try {
      const bundle = join(folder, 'bundle.mjs')
      await writeFile(bundle, code)
      await writeFile(join(folder, 'probe.mjs'), probe(pathToFileURL(bundle).href))
      const args = ['--disallow-code-generation-from-strings', join(folder, 'probe.mjs')]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      expect(stdout).toBe('m.a {"city":"Rome"} invalid_arguments m.a')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** Makes a client, calls, fails and searches after the globals of Node are gone. */
function probe(bundle: string): string {
  return `
const { exit, stdout } = process
for (const name of ['process', 'Buffer', 'global', 'setImmediate', 'clearImmediate']) delete globalThis[name]
const { UtcpClient } = await import(${JSON.stringify(bundle)})
const tool = { name: 'a', tags: ['weather'], inputs: { type: 'object', properties: { city: { type: 'string', pattern: '^R' } } },
  tool_call_template: { call_template_type: 'http', url: 'u', auth: { auth_type: 'api_key', api_key: '$KEY' } } }
const protocol = { callTemplateTypes: ['http'], registerManual: async () => ({ manual: { tools: [tool] } }),
  deregisterManual: async () => {}, callTool: async (_, __, args) => args, close: async () => {} }
const config = '{"variables": {"m_KEY": "k"}, "manual_call_templates": [{"name": "m", "call_template_type": "http", "url": "u",}]}'
const client = await UtcpClient.create(config, { protocols: [() => protocol], pins: true })
const [{ name }] = await client.repository.getTools()
const result = JSON.stringify(await client.callTool('m.a', { city: 'Rome' }))
const { code } = await client.callTool('m.a', { city: 5 }).catch((error) => error)
const [found] = await client.searchTools('weather')
await client.close()
stdout.write([name, result, code, found.name].join(' '), () => exit(0))
`
}
