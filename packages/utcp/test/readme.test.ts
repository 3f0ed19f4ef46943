import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createUtcpClient } from '../src/node.ts'
import { FakeProtocol, manualOf } from './support/fake-protocol.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const readme = await readFile(join(here, '..', 'README.md'), 'utf8')
const samples = (await readdir(join(here, 'samples'))).filter((name) => name.endsWith('.ts'))

afterEach(() => {
  vi.restoreAllMocks()
})

const printed = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

describe('the samples of the README', () => {
  it.each(samples)('%s runs and prints what it says', async (name) => {
    const text = await readFile(join(here, 'samples', name), 'utf8')
    expect(readme).toContain(`\`\`\`ts\n${text}\`\`\``)
    const log = vi.spyOn(console, 'log').mockReturnValue()
    await import(/* @vite-ignore */ join(here, 'samples', name))
    const expected = [...text.matchAll(/\/\/ → (.*)$/gm)].map(([, output]) => output)
    expect(expected.length).toBeGreaterThan(0)
    expect(log.mock.calls.map((values) => values.map(printed).join(' '))).toEqual(expected)
  })

  it('are all there are', () => {
    const blocks = [...readme.matchAll(/```ts\n/g)]
    expect(blocks).toHaveLength(samples.length)
  })
})

describe('the configuration of the README', () => {
  it('loads, with its comments and trailing comma, and does what it says', async () => {
    const [, config = ''] = /```jsonc\n([\s\S]*?)```/.exec(readme) ?? []
    expect(config).toContain('//')
    expect(config).toMatch(/,\s*\]/)
    const folder = await mkdtemp(join(tmpdir(), 'utcp-'))
    try {
      await writeFile(join(folder, 'config.json'), config)
      await writeFile(join(folder, '.env'), 'openlibrary_URL=not used: variables go first')
      const name = 'read_search_authors_json_search_authors_json_get'
      const template = { call_template_type: 'http', url: 'https://openlibrary.org/search/authors.json' }
      const protocol = new FakeProtocol(manualOf([{ name, tool_call_template: template }]), ['http'])
      protocol.answer = () => ({ numFound: 1, docs: [{ key: 'OL1A', name: 'J. K. Rowling', birth_date: '1965' }] })
      await using client = await createUtcpClient('config.json', { rootDir: folder, protocols: [protocol] })
      expect(protocol.discoveries[0]?.template.url).toBe('https://openlibrary.org/static/openapi.json')
      const result = await client.callTool(`openlibrary.${name}`, { q: 'J. K. Rowling' })
      expect(result).toEqual({ docs: [{ key: 'OL1A', name: 'J. K. Rowling' }] })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
