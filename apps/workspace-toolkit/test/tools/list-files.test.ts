import { symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ToolRunner } from '../run-tool.ts'
import { TempWorkspace } from '../temp-workspace.ts'

const files = {
  '.gitignore': '*.log\n',
  'a.ts': '12345',
  'b.log': '',
  'src/b.ts': '',
  'src/deep/c.ts': '',
  'src/d.md': '',
}

function paths(answer: { entries: { path: string }[] }): string[] {
  return answer.entries.map(({ path }) => path)
}

describe('list_files', () => {
  test('lists the top of the workspace with sizes', async () => {
    using workspace = new TempWorkspace(files)
    const tools = new ToolRunner(workspace)
    expect(await tools.result('list_files')).toEqual({
      entries: [
        { path: 'a.ts', type: 'file', size_bytes: 5 },
        { path: 'src', type: 'folder' },
      ],
    })
  })

  test('lists a folder, and as many levels as asked for', async () => {
    using workspace = new TempWorkspace(files)
    const tools = new ToolRunner(workspace)
    expect(paths(await tools.result('list_files', { path: 'src' }))).toEqual(['src/b.ts', 'src/d.md', 'src/deep'])
    const two = await tools.result('list_files', { path: 'src', depth: 2 })
    expect(paths(two)).toEqual(['src/b.ts', 'src/d.md', 'src/deep', 'src/deep/c.ts'])
  })

  test('finds files by pattern on all levels', async () => {
    using workspace = new TempWorkspace(files)
    const tools = new ToolRunner(workspace)
    expect(paths(await tools.result('list_files', { pattern: '*.ts' }))).toEqual(['a.ts', 'src/b.ts', 'src/deep/c.ts'])
    expect(paths(await tools.result('list_files', { pattern: '*.ts', depth: 2 }))).toEqual(['a.ts', 'src/b.ts'])
    expect(paths(await tools.result('list_files', { pattern: 'src/*.{md,log}', path: 'src' }))).toEqual(['src/d.md'])
  })

  test('goes through all entries page by page, each once', async () => {
    using workspace = new TempWorkspace(
      Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`d${n % 4}/f${n}`, ''])),
    )
    const tools = new ToolRunner(workspace)
    const whole = paths(await tools.result('list_files', { depth: 2 }))
    const seen: string[] = []
    let pages = 0
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await tools.result('list_files', { depth: 2, limit: 7, ...(cursor ? { cursor } : {}) })
      seen.push(...paths(page))
      cursor = page.next_cursor
      pages += 1
    }
    expect(seen).toEqual(whole)
    expect([whole.length, pages]).toEqual([29, 5])
  })

  test('gives no cursor when the last page is just full', async () => {
    using workspace = new TempWorkspace({ a: '', b: '' })
    const answer = await new ToolRunner(workspace).result('list_files', { limit: 2 })
    expect(Object.keys(answer)).toEqual(['entries'])
  })

  test('ends a page of long names before it is too large to answer', async () => {
    const folder = 'ü\u0001'.repeat(80)
    const names = Array.from({ length: 400 }, (_, n) => `${folder}/${folder}/${folder}/${n}`)
    using workspace = new TempWorkspace(Object.fromEntries(names.map((name) => [name, ''])))
    const answer = await new ToolRunner(workspace).result('list_files', { depth: 10, limit: 1_000 })
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(300_000)
    expect(answer.next_cursor).toBeTypeOf('string')
  })

  test('explains what was wrong with its arguments', async () => {
    using workspace = new TempWorkspace(files)
    symlinkSync('/', workspace.path('root'))
    const tools = new ToolRunner(workspace)
    const messages = [
      [{ path: 'a.ts' }, '"a.ts" is a file, not a folder; use read_file'],
      [{ path: 'none' }, 'There is no "none"'],
      [{ path: 'root/etc' }, 'leaves the workspace folder'],
      [{ path: '/' }, 'is absolute'],
      [{ cursor: '*' }, 'cursor is not one that list_files gave'],
      [{ cursor: '' }, 'cursor is not one that list_files gave'],
      [{ pattern: '!x' }, 'negation is not supported'],
      [{ limit: 1_001 }, 'limit'],
      [{ depth: 0 }, 'depth'],
      [{ Path: 'src' }, 'Unrecognized key'],
    ] as const
    for (const [args, message] of messages) {
      expect((await tools.error('list_files', args)).message).toContain(message)
    }
  })
})
