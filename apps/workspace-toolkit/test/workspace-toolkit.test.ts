import { createHash } from 'node:crypto'
import { symlinkSync } from 'node:fs'
import { Toolkit } from '@atp/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { registerWorkspaceTools } from '../src/workspace-toolkit.ts'
import { ToolRunner } from './run-tool.ts'
import { TempWorkspace } from './temp-workspace.ts'

describe('registerWorkspaceTools', () => {
  test('adds seven tools that only read, each with descriptions for a model', () => {
    using workspace = new TempWorkspace()
    const { toolkit } = new ToolRunner(workspace)
    const names = ['list_files', 'read_file', 'search_text', 'git_log', 'file_stats', 'hello_world', 'whoami']
    expect([...toolkit.registeredTools.keys()]).toEqual(names)
    for (const tool of toolkit.registeredTools.values()) {
      expect(tool.annotations).toMatchObject({ readOnly: true, destructive: false, idempotent: true })
      expect(tool.tags.length).toBeGreaterThan(0)
      const properties = tool.inputSchema.properties as Record<string, { description?: string }>
      for (const property of Object.values(properties)) expect(property.description).toBeTypeOf('string')
    }
  })

  test('refuses a folder that is not there', () => {
    using workspace = new TempWorkspace()
    const toolkit = new Toolkit({ appName: 'workspace' })
    expect(() => registerWorkspaceTools(toolkit, { folder: workspace.path('none') })).toThrow(
      expect.objectContaining({ code: 'invalid_config' }),
    )
  })
})

describe('hello_world', () => {
  test('greets in the founding words', async () => {
    using workspace = new TempWorkspace()
    const tools = new ToolRunner(workspace)
    expect(await tools.result('hello_world', { name: 'Alice' })).toEqual({ message: 'Hello, Alice!' })
    expect((await tools.error('hello_world')).message).toBe('Missing required parameters: name')
  })
})

describe('whoami', () => {
  test('tells of the token what does not reveal it', async () => {
    using workspace = new TempWorkspace()
    const authToken = 'gho_not-a-real-token'
    expect(await new ToolRunner(workspace).result('whoami', {}, { authToken })).toEqual({
      authenticated: true,
      token_length: 20,
      token_fingerprint: createHash('sha256').update(authToken).digest('hex').slice(0, 8),
    })
  })

  test('needs a token', async () => {
    using workspace = new TempWorkspace()
    expect((await new ToolRunner(workspace).error('whoami')).code).toBe('missing_token')
  })
})

describe('no path', () => {
  const canary = 'c4n4ry-7f3a'

  /** A workspace with the canary in every place that no tool may reach. */
  function trapped(): TempWorkspace {
    const workspace = new TempWorkspace({
      '../outside.txt': canary,
      '../workspace-2/outside.txt': canary,
      '.gitignore': 'ignored/\n*.key\n',
      '.env': canary,
      '.hidden/x.txt': canary,
      'src/.env': canary,
      'src/.gitignore': 'local.txt\n',
      'src/local.txt': canary,
      'src/open.txt': 'open',
      'ignored/x.txt': canary,
      'a.key': canary,
      'data/x.txt': canary,
    })
    workspace.git('init', '-q')
    workspace.write({ '.git/canary': canary, '.git/info/exclude': 'excluded.txt\n', 'excluded.txt': canary })
    const links = {
      out: '..',
      file: '../outside.txt',
      next: '../workspace-2',
      env: '.env',
      git: '.git',
      ign: 'ignored',
    }
    for (const [name, target] of Object.entries({ ...links, dat: 'data', back: '../workspace/.env', up: 'src/..' })) {
      symlinkSync(target, workspace.path(name))
    }
    return workspace
  }

  test('leads any tool to a file outside or to a hidden one', async () => {
    using workspace = trapped()
    const tools = new ToolRunner({ folder: workspace.folder, hidden: [workspace.path('data')] })
    const names = [
      'out',
      'file',
      'next',
      'env',
      'git',
      'ign',
      'dat',
      'back',
      'up',
      'src',
      'workspace',
      'ignored',
      'data',
    ]
    const leaves = ['outside.txt', 'x.txt', 'open.txt', 'local.txt', 'a.key', 'canary', 'excluded.txt', '.env', '.git']
    const tricks = [
      '..',
      '.',
      '',
      '.hidden',
      '.ENV',
      '.Git',
      '.env.',
      '.env ',
      ' .env',
      '%2e%2e',
      '..%2f',
      '%2f',
      '..;',
    ]
    const odd = ['…', '．．', '\0', '\\', '..\\', '*', '~', 'C:', 'file:', workspace.outside, workspace.folder]
    const segment = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...names) },
      { weight: 4, arbitrary: fc.constantFrom(...leaves) },
      { weight: 3, arbitrary: fc.constantFrom(...tricks) },
      { weight: 1, arbitrary: fc.constantFrom(...odd) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
    )
    const path = fc
      .tuple(fc.constantFrom('', '', '', './', '/', '//', '\\'), fc.array(segment, { minLength: 1, maxLength: 4 }))
      .chain(([start, parts]) => fc.constantFrom('/', '//', '/./').map((slash) => start + parts.join(slash)))
    let opened = 0
    await fc.assert(
      fc.asyncProperty(path, async (path) => {
        const read = await tools.anything('read_file', { path })
        const rest = [
          await tools.anything('list_files', { path, depth: 9 }),
          await tools.anything('search_text', { path, pattern: '4n4r', context_lines: 1 }),
          await tools.anything('file_stats', { path }),
        ]
        if (read.includes('"text":"open"')) opened += 1
        // Echoes of the path itself are no leak: no path has the canary in it.
        expect([read, ...rest].filter((answer) => answer.includes(canary))).toEqual([])
      }),
      { numRuns: 400, examples: [['src/open.txt'], ['up/src/open.txt'], ['up'], ['']] },
    )
    expect(opened).toBeGreaterThanOrEqual(2)
  })

  test('or search, list or count finds them from the top', async () => {
    using workspace = trapped()
    const tools = new ToolRunner({ folder: workspace.folder, hidden: [workspace.path('data')] })
    const { entries } = await tools.result('list_files', { depth: 64 })
    expect(entries.map(({ path }: { path: string }) => path)).toEqual(['src', 'src/open.txt'])
    expect((await tools.result('search_text', { pattern: canary })).matches).toEqual([])
    expect((await tools.result('file_stats')).total_files).toBe(1)
  })
})
