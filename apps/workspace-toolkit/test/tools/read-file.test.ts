import { describe, expect, test } from 'vitest'
import { ToolRunner } from '../run-tool.ts'
import { TempWorkspace } from '../temp-workspace.ts'

describe('read_file', () => {
  test('returns the whole text of a small file', async () => {
    using workspace = new TempWorkspace({ 'src/a.txt': 'one\r\ntwo\nthree é\n' })
    expect(await new ToolRunner(workspace).result('read_file', { path: 'src/a.txt' })).toEqual({
      path: 'src/a.txt',
      size_bytes: 18,
      total_lines: 3,
      start_line: 1,
      end_line: 3,
      text: 'one\ntwo\nthree é',
      truncated: false,
    })
  })

  test('returns a range of lines', async () => {
    using workspace = new TempWorkspace({ 'a.txt': '1\n2\n3\n4\n5' })
    const tools = new ToolRunner(workspace)
    const middle = await tools.result('read_file', { path: 'a.txt', start_line: 2, end_line: 3 })
    expect(middle).toMatchObject({ text: '2\n3', start_line: 2, end_line: 3, total_lines: 5, truncated: false })
    const rest = await tools.result('read_file', { path: 'a.txt', start_line: 4, end_line: 99 })
    expect(rest).toMatchObject({ text: '4\n5', end_line: 5, truncated: false })
  })

  test('returns an empty file as empty text', async () => {
    using workspace = new TempWorkspace({ 'a.txt': '' })
    const answer = await new ToolRunner(workspace).result('read_file', { path: 'a.txt' })
    expect(answer).toMatchObject({ text: '', total_lines: 0, end_line: 0, truncated: false })
  })

  test('cuts a long text after a line and tells how to go on', async () => {
    const lines = Array.from({ length: 9_000 }, (_, n) => `${n + 1} ${'x'.repeat(60)}`)
    using workspace = new TempWorkspace({ 'a.txt': lines.join('\n') })
    const tools = new ToolRunner(workspace)
    const first = await tools.result('read_file', { path: 'a.txt' })
    expect(first).toMatchObject({ truncated: true, total_lines: 9_000 })
    expect(first.notice).toBe(`Cut after line ${first.end_line}; go on with start_line ${first.end_line + 1}.`)
    expect(Buffer.byteLength(first.text)).toBeGreaterThan(250_000)
    expect(Buffer.byteLength(JSON.stringify(first))).toBeLessThan(263_000)
    const collected: string[] = []
    for (let start_line = 1; start_line <= 9_000; ) {
      const part = await tools.result('read_file', { path: 'a.txt', start_line })
      collected.push(part.text)
      start_line = part.end_line + 1
    }
    expect(collected.join('\n')).toBe(lines.join('\n'))
  })

  test('cuts a line that alone is too long', async () => {
    using workspace = new TempWorkspace({ 'a.txt': `short\n${'\u0001'.repeat(300_000)}\nend` })
    const tools = new ToolRunner(workspace)
    expect(await tools.result('read_file', { path: 'a.txt' })).toMatchObject({
      text: 'short',
      end_line: 1,
      truncated: true,
    })
    const long = await tools.result('read_file', { path: 'a.txt', start_line: 2 })
    expect(long).toMatchObject({ end_line: 2, truncated: true })
    expect(long.notice).toBe(
      'Line 2 is 300000 characters long and was cut after 43690. Cut after line 2; go on with start_line 3.',
    )
    expect(await tools.result('read_file', { path: 'a.txt', start_line: 3 })).toMatchObject({
      text: 'end',
      truncated: false,
    })
  })

  test('reads the first MiB of a larger file and says that there is more', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'é23456\n'.repeat(200_000) })
    const tools = new ToolRunner(workspace)
    const start = await tools.result('read_file', { path: 'a.txt', end_line: 2 })
    expect(start).toMatchObject({ text: 'é23456\né23456', total_lines: null, size_bytes: 1_600_000, truncated: false })
    const end = await tools.result('read_file', { path: 'a.txt', start_line: 131_070 })
    expect(end).toMatchObject({ truncated: true, end_line: 131_072, text: 'é23456\né23456\né23456' })
    expect(end.notice).toBe('The file has 1600000 bytes; only its first 1048576 can be read.')
    const beyond = await tools.error('read_file', { path: 'a.txt', start_line: 131_073 })
    expect(beyond.message).toBe(
      '"a.txt" has 131072 lines in the 1 MiB that can be read; start_line 131073 is past that',
    )
  })

  test('explains what it cannot read', async () => {
    using workspace = new TempWorkspace({
      '.env': '',
      '.gitignore': 'out/\n',
      'out/a.js': '',
      'image.png': new Uint8Array([137, 80, 78, 71, 0]),
      'src/a.txt': 'one',
    })
    const tools = new ToolRunner(workspace)
    const messages = [
      [{ path: 'image.png' }, '"image.png" is a binary file (5 bytes); only text files can be read'],
      [{ path: 'src' }, '"src" is a folder; use list_files'],
      [{ path: 'none.txt' }, 'There is no "none.txt" in the workspace; list_files shows what is there'],
      [{ path: '.env' }, 'dot files'],
      [{ path: 'out/a.js' }, 'git-ignored files'],
      [{ path: 'src/a.txt', start_line: 2 }, '"src/a.txt" has 1 lines; start_line 2 is past that'],
      [{ path: 'src/a.txt', start_line: 3, end_line: 2 }, 'end_line 2 comes before start_line 3'],
    ] as const
    for (const [args, message] of messages) {
      const error = await tools.error('read_file', args)
      expect([error.code, error.message]).toEqual(['tool_error', expect.stringContaining(message)])
    }
    expect((await tools.error('read_file', {})).code).toBe('missing_params')
    expect((await tools.error('read_file', { path: 'a', start_line: 0 })).code).toBe('invalid_params')
  })
})
