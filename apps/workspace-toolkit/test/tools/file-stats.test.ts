import { utimesSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ToolRunner } from '../run-tool.ts'
import { TempWorkspace } from '../temp-workspace.ts'

describe('file_stats', () => {
  test('counts files, bytes and lines by extension and names the largest and newest', async () => {
    using workspace = new TempWorkspace({
      '.gitignore': 'out/\n',
      '.env': 'secret',
      'out/x.ts': 'ignored',
      'a.ts': '1\n2\n3\n',
      'src/b.TS': '1\n',
      'README.md': '# 1234567890',
      Makefile: 'all:',
      'c.bin': new Uint8Array([0, 10, 10]),
    })
    for (const [index, path] of ['c.bin', 'Makefile', 'a.ts', 'README.md', 'src/b.TS'].entries()) {
      utimesSync(workspace.path(path), index, index)
    }
    expect(await new ToolRunner(workspace).result('file_stats', { top: 3 })).toEqual({
      total_files: 5,
      total_bytes: 27,
      total_lines: 6,
      by_extension: [
        { extension: '.ts', files: 2, bytes: 8, lines: 4 },
        { extension: '.md', files: 1, bytes: 12, lines: 1 },
        { extension: '', files: 1, bytes: 4, lines: 1 },
      ],
      largest_files: [
        { path: 'README.md', size_bytes: 12 },
        { path: 'a.ts', size_bytes: 6 },
        { path: 'Makefile', size_bytes: 4 },
      ],
      newest_files: [
        { path: 'src/b.TS', modified_at: '1970-01-01T00:00:04.000Z' },
        { path: 'README.md', modified_at: '1970-01-01T00:00:03.000Z' },
        { path: 'a.ts', modified_at: '1970-01-01T00:00:02.000Z' },
      ],
      truncated: false,
    })
  })

  test('counts a folder, one file, or files that match a glob', async () => {
    using workspace = new TempWorkspace({ 'a.ts': '', 'src/b.ts': '', 'src/c.md': '' })
    const tools = new ToolRunner(workspace)
    expect((await tools.result('file_stats', { path: 'src' })).total_files).toBe(2)
    expect((await tools.result('file_stats', { path: 'a.ts' })).total_files).toBe(1)
    expect((await tools.result('file_stats', { include: '*.ts' })).total_files).toBe(2)
    expect((await tools.error('file_stats', { path: '..' })).message).toContain('contains ".."')
  })

  test('reports progress', async () => {
    using workspace = new TempWorkspace(Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`f${n}`, ''])))
    const progress: unknown[] = []
    await new ToolRunner(workspace).result('file_stats', {}, { onProgress: (value) => progress.push(value) })
    expect(progress).toEqual([{ progress: 100, message: '100 files counted' }])
  })
})
