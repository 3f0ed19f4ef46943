import { describe, expect, test } from 'vitest'
import { ToolRunner } from '../run-tool.ts'
import { TempWorkspace } from '../temp-workspace.ts'

const files = {
  '.env': 'needle',
  '.gitignore': 'out/\n',
  'out/x.js': 'needle',
  'a.ts': 'one\nconst needle = 1\nthree\nfour needle needle',
  'docs/b.md': '# Needle\r\nno\r\nneedle\r\n',
  'c.bin': new Uint8Array([0, ...Buffer.from('needle')]),
  'd.txt': `needle${'x'.repeat(1_048_576)}`,
}

function lines(answer: { matches: { path: string; line: number }[] }): string[] {
  return answer.matches.map(({ path, line }) => `${path}:${line}`)
}

describe('search_text', () => {
  test('finds plain text and tells what was not searched', async () => {
    using workspace = new TempWorkspace(files)
    expect(await new ToolRunner(workspace).result('search_text', { pattern: 'needle' })).toEqual({
      matches: [
        { path: 'a.ts', line: 2, text: 'const needle = 1' },
        { path: 'a.ts', line: 4, text: 'four needle needle' },
        { path: 'docs/b.md', line: 3, text: 'needle' },
      ],
      files_searched: 2,
      files_skipped: { binary: 1, larger_than_1_mib: 1, unreadable: 0 },
      truncated: false,
    })
  })

  test('takes plain text as it is and a regular expression as one', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'a.c\nabc\nABC' })
    const tools = new ToolRunner(workspace)
    expect(lines(await tools.result('search_text', { pattern: 'a.c' }))).toEqual(['a.txt:1'])
    expect(lines(await tools.result('search_text', { pattern: 'a.c$', regex: true }))).toEqual(['a.txt:1', 'a.txt:2'])
    const ignoreCase = { ignore_case: true }
    expect(lines(await tools.result('search_text', { pattern: 'aBc', ...ignoreCase }))).toEqual(['a.txt:2', 'a.txt:3'])
    expect(lines(await tools.result('search_text', { pattern: '^AB', regex: true, ...ignoreCase }))).toEqual([
      'a.txt:2',
      'a.txt:3',
    ])
  })

  test('searches a folder, one file, or files that match a glob', async () => {
    using workspace = new TempWorkspace(files)
    const tools = new ToolRunner(workspace)
    expect(lines(await tools.result('search_text', { pattern: 'needle', path: 'docs' }))).toEqual(['docs/b.md:3'])
    expect(lines(await tools.result('search_text', { pattern: 'one', path: 'a.ts' }))).toEqual(['a.ts:1'])
    expect(lines(await tools.result('search_text', { pattern: 'needle', include: '*.md' }))).toEqual(['docs/b.md:3'])
  })

  test('shows lines around a match', async () => {
    using workspace = new TempWorkspace({ 'a.txt': `1\n2\n3\n4\n${'x'.repeat(400)}` })
    const tools = new ToolRunner(workspace)
    const { matches } = await tools.result('search_text', { pattern: '4', context_lines: 2 })
    expect(matches).toEqual([{ path: 'a.txt', line: 4, text: '4', before: ['2', '3'], after: [`${'x'.repeat(300)}…`] }])
    const first = await tools.result('search_text', { pattern: '1', context_lines: 1 })
    expect(first.matches[0]).toMatchObject({ before: [], after: ['2'] })
  })

  test('shows the part of a long line that matches', async () => {
    using workspace = new TempWorkspace({ 'a.txt': `${'a'.repeat(1_000)}needle${'b'.repeat(1_000)}` })
    const { matches } = await new ToolRunner(workspace).result('search_text', { pattern: 'needle' })
    expect(matches[0].text).toBe(`…${'a'.repeat(100)}needle${'b'.repeat(194)}…`)
  })

  test('says when there are more matches than asked for, and only then', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'x\n'.repeat(5) })
    const tools = new ToolRunner(workspace)
    const some = await tools.result('search_text', { pattern: 'x', max_results: 4 })
    expect([some.matches.length, some.truncated, some.notice]).toEqual([
      4,
      true,
      expect.stringContaining('more matches'),
    ])
    const all = await tools.result('search_text', { pattern: 'x', max_results: 5 })
    expect([all.matches.length, all.truncated, all.notice]).toEqual([5, false, undefined])
  })

  test('answers less than asked for rather than too much', async () => {
    using workspace = new TempWorkspace({ 'a.txt': `${'\u0001'.repeat(299)}x\n`.repeat(2_000) })
    const args = { pattern: 'x', max_results: 500, context_lines: 10 }
    const answer = await new ToolRunner(workspace).result('search_text', args)
    expect(answer.truncated).toBe(true)
    expect(answer.matches.length).toBeGreaterThan(3)
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(300_000)
  })

  test('says when it did not search the end of a line', async () => {
    using workspace = new TempWorkspace({ 'a.txt': `${'a'.repeat(10_000)}needle` })
    const answer = await new ToolRunner(workspace).result('search_text', { pattern: 'needle' })
    expect(answer.matches).toEqual([])
    expect(answer.notice).toBe('1 line(s) were searched only in their first 10000 characters.')
  })

  test('is done soon with an expression that takes a backtracking engine for ever', async () => {
    using workspace = new TempWorkspace({ 'a.txt': `${'a'.repeat(500_000)}!\n${'a'.repeat(9_000)}!` })
    const answer = await new ToolRunner(workspace).result('search_text', { pattern: '^(a+)+$', regex: true })
    expect(lines(answer)).toEqual(['a.txt:1'])
  })

  test('explains what was wrong with the pattern', async () => {
    using workspace = new TempWorkspace(files)
    const tools = new ToolRunner(workspace)
    const invalid = await tools.error('search_text', { pattern: 'a(', regex: true })
    expect(invalid.code).toBe('tool_error')
    expect(invalid.message).toBe(
      '"a(" is not a valid regular expression: missing closing ): `a(`. The syntax is RE2\'s: no look-around, no backreferences. For plain text set regex to false',
    )
    expect((await tools.error('search_text', { pattern: '' })).code).toBe('invalid_params')
    expect((await tools.error('search_text', { pattern: 'x'.repeat(1_001) })).code).toBe('invalid_params')
  })

  test('reports progress and stops when the caller cancels', async () => {
    using workspace = new TempWorkspace(Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${n}`, 'x'])))
    const controller = new AbortController()
    const ended = Promise.withResolvers<void>()
    const progress: unknown[] = []
    const error = await new ToolRunner(workspace).error(
      'search_text',
      { pattern: 'none' },
      {
        signal: controller.signal,
        onHandlerEnd: ended.resolve,
        onProgress: (value) => {
          progress.push(value)
          controller.abort()
        },
      },
    )
    expect(error.code).toBe('cancelled')
    expect(progress).toEqual([{ progress: 100, message: '100 files searched' }])
    await ended.promise
  })

  test('lets a cancel through while it computes within one file', async () => {
    const slow = Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`a${n}`, '']))
    using workspace = new TempWorkspace({ ...slow, z: `${'a'.repeat(9_999)}!\n`.repeat(100) })
    const controller = new AbortController()
    const error = await new ToolRunner(workspace).error(
      'search_text',
      { pattern: '((a{1,10}){1,10}){1,4}$', regex: true },
      { signal: controller.signal, onProgress: () => setImmediate(() => controller.abort()) },
    )
    expect(error.code).toBe('cancelled')
  })
})
