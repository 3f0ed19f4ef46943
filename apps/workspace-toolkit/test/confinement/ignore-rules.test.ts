import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findRepositoryRoot, IgnoreRules } from '../../src/confinement/ignore-rules.ts'
import { gitTestEnvironment, TempWorkspace } from '../temp-workspace.ts'

async function ignoredOf(rules: IgnoreRules, paths: readonly string[]): Promise<string[]> {
  const answers = await Promise.all(paths.map((path) => rules.isIgnored(path.replace(/\/$/, ''), path.endsWith('/'))))
  return paths.filter((_, index) => answers[index])
}

describe('IgnoreRules', () => {
  test('follow every .gitignore down to the file, the deeper one deciding', async () => {
    using workspace = new TempWorkspace({
      '.gitignore': '*.log\n/build/\n# comment\n',
      'src/.gitignore': '!keep.log\nsecret.txt\n',
    })
    const rules = await IgnoreRules.load(workspace.folder)
    const paths = ['a.log', 'src/a.log', 'src/keep.log', 'keep.log', 'src/deep/secret.txt', 'secret.txt']
    expect(await ignoredOf(rules, paths)).toEqual(['a.log', 'src/a.log', 'keep.log', 'src/deep/secret.txt'])
    expect(await ignoredOf(rules, ['build/', 'build/out/x.js', 'build', 'src/build/'])).toEqual([
      'build/',
      'build/out/x.js',
    ])
  })

  test('let nothing below an ignored folder be included again', async () => {
    using workspace = new TempWorkspace({ '.gitignore': 'private/\n', 'private/.gitignore': '!*\n' })
    const rules = await IgnoreRules.load(workspace.folder)
    expect(await rules.isIgnored('private/x', false)).toBe(true)
    expect(await rules.isIgnored('private/deep/x', false)).toBe(true)
  })

  test('count .git/info/exclude and the excludes file of the user, weaker than .gitignore', async () => {
    using workspace = new TempWorkspace({ '.gitignore': '!wanted.tmp\n', '../excludes': '*.tmp\n' })
    workspace.git('init', '-q')
    workspace.write({ '.git/info/exclude': 'notes.txt\n' })
    const rules = await IgnoreRules.load(workspace.folder, join(workspace.outside, 'excludes'))
    const paths = ['a.tmp', 'wanted.tmp', 'notes.txt', 'src/notes.txt', 'a.txt']
    expect(await ignoredOf(rules, paths)).toEqual(['a.tmp', 'notes.txt', 'src/notes.txt'])
  })

  test('count the exclude file of a second working tree', async () => {
    using workspace = new TempWorkspace({ 'a.txt': '' })
    workspace.git('init', '-q')
    workspace.git('add', '.')
    workspace.git('commit', '-qm', 'one')
    workspace.git('worktree', 'add', '-q', '../second')
    workspace.write({ '.git/info/exclude': 'notes.txt\n' })
    const rules = await IgnoreRules.load(join(workspace.outside, 'second'))
    expect(await rules.isIgnored('notes.txt', false)).toBe(true)
  })

  test('count rules of the repository above the folder', async () => {
    using workspace = new TempWorkspace({ '.gitignore': '/packages/app/secret.txt\n*.log\n', 'packages/app/a.ts': '' })
    workspace.git('init', '-q')
    const rules = await IgnoreRules.load(workspace.path('packages/app'))
    expect(await ignoredOf(rules, ['secret.txt', 'deep/a.log', 'a.ts'])).toEqual(['secret.txt', 'deep/a.log'])
    expect(await findRepositoryRoot(workspace.path('packages/app'))).toBe(workspace.folder)
  })

  test('do not count rules from above for a folder that is ignored itself', async () => {
    using workspace = new TempWorkspace({ '.gitignore': 'out/\n', 'out/report/.gitignore': '*.tmp\n' })
    workspace.git('init', '-q')
    const rules = await IgnoreRules.load(workspace.path('out/report'))
    expect(await ignoredOf(rules, ['index.html', 'a.tmp'])).toEqual(['a.tmp'])
  })

  test('hide everything below a rule file that cannot be read whole', async () => {
    using workspace = new TempWorkspace({ 'large/.gitignore': '', 'loop/a.txt': '', 'open/a.txt': '' })
    truncateSync(workspace.path('large/.gitignore'), 2_000_000)
    symlinkSync('.gitignore', workspace.path('loop/.gitignore'))
    const rules = await IgnoreRules.load(workspace.folder)
    expect(await ignoredOf(rules, ['large/a.txt', 'loop/a.txt', 'open/a.txt'])).toEqual(['large/a.txt', 'loop/a.txt'])
  })

  test('read a rule file with a byte order mark and Windows line ends', async () => {
    using workspace = new TempWorkspace({ '.gitignore': '\uFEFFsecret.txt\r\nother.txt\r\n' })
    const rules = await IgnoreRules.load(workspace.folder)
    expect(await ignoredOf(rules, ['secret.txt', 'other.txt'])).toEqual(['secret.txt', 'other.txt'])
  })

  test('ignore at least what git ignores, for any rules', async () => {
    using workspace = new TempWorkspace()
    const folders = ['', 'a/', 'a/b/', 'c/']
    const files = folders.flatMap((folder) => ['x', 'y.log', 'z.txt', 'é [1]'].map((name) => folder + name))
    workspace.git('init', '-q')
    for (const folder of folders) mkdirSync(workspace.path(folder), { recursive: true })
    const segment = fc.constantFrom('a', 'b', 'c', 'x', 'y.log', '*', '*.log', '?.txt', '**', '[xz]*', 'é*', '\\*', 'X')
    const pattern = fc
      .tuple(
        fc.constantFrom('', '', '!'),
        fc.constantFrom('', '/'),
        fc.array(segment, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '/', '  '),
      )
      .map(([not, anchor, segments, end]) => `${not}${anchor}${segments.join('/')}${end}`)
    const ruleFile = fc.array(pattern, { maxLength: 4 }).map((lines) => lines.join('\n'))
    await fc.assert(
      fc.asyncProperty(fc.tuple(ruleFile, ruleFile, ruleFile, ruleFile), async ([top, a, b, exclude]) => {
        workspace.write({ '.gitignore': top, 'a/.gitignore': a, 'a/b/.gitignore': b, '.git/info/exclude': exclude })
        const ours = await ignoredOf(await IgnoreRules.load(workspace.folder), files)
        const leaked = checkIgnore(workspace, files).filter((file) => !ours.includes(file))
        expect(leaked).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})

/** What git itself says; exit code 1 means "none". */
function checkIgnore(workspace: TempWorkspace, files: readonly string[]): string[] {
  try {
    const stdout = execFileSync('git', ['check-ignore', '--no-index', '-z', '--stdin'], {
      cwd: workspace.folder,
      env: gitTestEnvironment(workspace.outside),
      input: files.join('\0'),
      encoding: 'utf8',
    })
    return stdout.split('\0').filter((file) => file !== '')
  } catch (error) {
    if ((error as { status?: number }).status === 1) return []
    throw error
  }
}
