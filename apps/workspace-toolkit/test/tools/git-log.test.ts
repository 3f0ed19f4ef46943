import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ToolRunner } from '../run-tool.ts'
import { TempWorkspace } from '../temp-workspace.ts'

function commit(workspace: TempWorkspace, date: string, message: string, ...options: string[]): void {
  workspace.gitDate = date
  workspace.git('add', '-A')
  workspace.git('commit', '-q', '-m', message, ...options)
}

function subjects(answer: { commits: { subject: string }[] }): string[] {
  return answer.commits.map(({ subject }) => subject)
}

/** A repository with three commits of two authors. */
function repository(): TempWorkspace {
  const workspace = new TempWorkspace({ 'a.txt': '1', 'packages/app/b.txt': '1' })
  workspace.git('init', '-q')
  commit(workspace, '2024-01-01T10:00:00Z', 'first: é <tag>\n\nWhy it was done.\nIn two lines.')
  workspace.write({ 'packages/app/b.txt': '2' })
  commit(workspace, '2024-01-02T00:00:01Z', 'second', '--author=Grace.* Hopper <grace@example.com>')
  workspace.write({ 'a.txt': '2', '-x.txt': '1' })
  commit(workspace, '2024-01-03T10:00:00Z', 'third')
  return workspace
}

describe('git_log', () => {
  beforeEach(() => {
    vi.stubEnv('HOME', '/nonexistent')
    vi.stubEnv('XDG_CONFIG_HOME', '/nonexistent')
  })
  afterEach(() => vi.unstubAllEnvs())

  test('lists commits, newest first, with their whole message', async () => {
    using workspace = repository()
    const answer = await new ToolRunner(workspace).result('git_log')
    expect(subjects(answer)).toEqual(['third', 'second', 'first: é <tag>'])
    expect(answer.commits[2]).toEqual({
      hash: expect.stringMatching(/^[0-9a-f]{40}$/),
      author: 'Ada Lovelace',
      date: expect.stringMatching(/^2024-01-01T10:00:00(Z|\+00:00)$/),
      subject: 'first: é <tag>',
      body: 'Why it was done.\nIn two lines.',
    })
    expect(answer.commits[0].body).toBeUndefined()
    expect(answer.truncated).toBe(false)
  })

  test('says when there are more commits than asked for, and only then', async () => {
    using workspace = repository()
    const tools = new ToolRunner(workspace)
    const two = await tools.result('git_log', { limit: 2 })
    expect([subjects(two), two.truncated]).toEqual([['third', 'second'], true])
    expect((await tools.result('git_log', { limit: 3 })).truncated).toBe(false)
  })

  test('narrows to a file or folder, also one that is gone or begins with a dash', async () => {
    using workspace = repository()
    const tools = new ToolRunner(workspace)
    expect(subjects(await tools.result('git_log', { path: 'packages/app' }))).toEqual(['second', 'first: é <tag>'])
    expect(subjects(await tools.result('git_log', { path: '-x.txt' }))).toEqual(['third'])
    workspace.remove('a.txt')
    expect(subjects(await tools.result('git_log', { path: './a.txt' }))).toEqual(['third', 'first: é <tag>'])
    for (const path of ['*.txt', ':(top)a.txt', ':!a.txt', 'none']) {
      expect(subjects(await tools.result('git_log', { path }))).toEqual([])
    }
  })

  test('narrows to an author by plain text and in any case', async () => {
    using workspace = repository()
    const tools = new ToolRunner(workspace)
    expect(subjects(await tools.result('git_log', { author: 'grace.* h' }))).toEqual(['second'])
    expect(subjects(await tools.result('git_log', { author: 'GRACE@example' }))).toEqual(['second'])
    expect(subjects(await tools.result('git_log', { author: 'G.ace' }))).toEqual([])
  })

  test.each([
    ['2024-01-02', ['third', 'second']],
    ['2024-01-02T11:00:00Z', ['third']],
    ['2024-01-02T12:30:00+02:00', ['third']],
    ['2024-01-04', []],
    ['500 weeks ago', ['third', 'second', 'first: é <tag>']],
    ['1 day ago', []],
  ])('narrows to the time after %s', async (since, expected) => {
    vi.stubEnv('TZ', 'UTC')
    using workspace = repository()
    expect(subjects(await new ToolRunner(workspace).result('git_log', { since }))).toEqual(expected)
  })

  test('lists of a larger repository only what touches the folder', async () => {
    using workspace = repository()
    const tools = new ToolRunner({ folder: workspace.path('packages/app') })
    expect(subjects(await tools.result('git_log'))).toEqual(['second', 'first: é <tag>'])
    expect(subjects(await tools.result('git_log', { path: 'b.txt' }))).toEqual(['second', 'first: é <tag>'])
  })

  test('lists nothing for a repository without commits', async () => {
    using workspace = new TempWorkspace()
    workspace.git('init', '-q')
    expect(await new ToolRunner(workspace).result('git_log')).toEqual({ commits: [], truncated: false })
  })

  test('cuts long messages', async () => {
    using workspace = new TempWorkspace()
    workspace.write({ a: '' })
    workspace.git('init', '-q')
    commit(workspace, '2024-01-01T10:00:00Z', `s\n\n${'y'.repeat(5_000)}`)
    const { commits } = await new ToolRunner(workspace).result('git_log')
    expect(commits[0].body).toBe(`${'y'.repeat(1_000)}…`)
  })

  test('says when the folder is in no repository', async () => {
    using workspace = new TempWorkspace()
    const tools = new ToolRunner(workspace)
    expect((await tools.error('git_log')).message).toBe(
      'The workspace folder is not in a git repository, so it has no history',
    )
    mkdirSync(workspace.path('.git'))
    expect((await tools.error('git_log')).message).toContain('is not in a git repository')
  })

  test('says when git is not installed', async () => {
    using workspace = repository()
    vi.stubEnv('PATH', workspace.outside)
    expect((await new ToolRunner(workspace).error('git_log')).message).toContain('git is not installed')
  })

  test.each([
    ['echo "fatal: detected dubious ownership in repository at \'/x\'" >&2; exit 128', 'belongs to another user'],
    [
      'echo "warning: x" >&2; echo "fatal: bad object in $PWD/.git" >&2; exit 128',
      'git failed: fatal: bad object in ./.git',
    ],
  ])('explains what git says: %s', async (script, message) => {
    using workspace = repository()
    workspace.write({ '../bin/git': `#!/bin/sh\n${script}\n` })
    await chmod(workspace.path('../bin/git'), 0o755)
    vi.stubEnv('PATH', workspace.path('../bin'))
    expect((await new ToolRunner(workspace).error('git_log')).message).toContain(message)
  })

  test.each([
    [{ author: '-x' }, 'starts with "-"'],
    [{ author: 'a\nb' }, 'control characters'],
    [{ since: '--all' }, 'is no time'],
    [{ since: 'yesterday-ish' }, 'is no time'],
    [{ since: '2024-13-45' }, 'is no time'],
    [{ path: '../x' }, 'contains ".."'],
    [{ path: '.env' }, 'dot files'],
    [{ path: '.git/config' }, 'dot files'],
  ])('refuses %j', async (args, message) => {
    using workspace = repository()
    const error = await new ToolRunner(workspace).error('git_log', args)
    expect([error.code, error.message]).toEqual(['tool_error', expect.stringContaining(message)])
  })

  test('ends git when the caller cancels', async () => {
    using workspace = repository()
    workspace.write({ '../bin/git': '#!/bin/sh\n[ "$9" = config ] && exit 1\necho $$ > started\nexec sleep 600\n' })
    await chmod(workspace.path('../bin/git'), 0o755)
    vi.stubEnv('PATH', `${workspace.path('../bin')}:${process.env.PATH}`)
    const controller = new AbortController()
    const ended = Promise.withResolvers<void>()
    const options = { signal: controller.signal, onHandlerEnd: ended.resolve }
    const running = new ToolRunner(workspace).error('git_log', {}, options)
    await expect.poll(() => existsSync(workspace.path('started'))).toBe(true)
    controller.abort()
    expect((await running).code).toBe('cancelled')
    await ended.promise
    const processId = Number(readFileSync(workspace.path('started'), 'utf8'))
    await expect.poll(() => isRunning(processId)).toBe(false)
  })
})

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}
