import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))
const readme = await readFile(join(here, '..', 'README.md'), 'utf8')
const samples = await readdir(join(here, 'samples'))

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the samples of the README', () => {
  it.each(samples)('%s runs and prints what it says', async (name) => {
    const text = await readFile(join(here, 'samples', name), 'utf8')
    expect(readme).toContain(`\`\`\`ts\n${text}\`\`\``)
    const log = vi.spyOn(console, 'log').mockReturnValue()
    await import(/* @vite-ignore */ join(here, 'samples', name))
    const expected = [...text.matchAll(/\/\/ → (.*)$/gm)].map(([, output]) => output)
    expect(expected.length).toBeGreaterThan(0)
    expect(log.mock.calls.map((values) => values.join(' '))).toEqual(expected)
  })

  it('are all there are', () => {
    expect([...readme.matchAll(/```ts\n/g)]).toHaveLength(samples.length)
  })
})
