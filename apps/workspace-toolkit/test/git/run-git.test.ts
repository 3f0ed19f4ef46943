import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findExcludesFile } from '../../src/git/find-excludes-file.ts'
import { runGit } from '../../src/git/run-git.ts'
import { gitTestEnvironment, TempWorkspace } from '../temp-workspace.ts'

/** Puts a program of its own in git's place; returns the environment that finds it first. */
async function fakeGit(workspace: TempWorkspace, script: string): Promise<Record<string, string>> {
  workspace.write({ '../bin/git': `#!/bin/sh\n${script}\n` })
  await chmod(join(workspace.outside, 'bin/git'), 0o755)
  return { PATH: `${join(workspace.outside, 'bin')}:${process.env.PATH}`, SECRET_TOKEN: 'do-not-pass-on' }
}

describe('runGit', () => {
  test('answers with what git prints and its exit code', async () => {
    using workspace = new TempWorkspace()
    const environment = gitTestEnvironment(workspace.outside)
    workspace.git('init', '-q')
    const good = await runGit(workspace.folder, ['rev-parse', '--is-inside-work-tree'], { environment })
    expect(good).toEqual({ exitCode: 0, stdout: 'true\n', stderr: '' })
    const bad = await runGit(workspace.folder, ['no-such-command'], { environment })
    expect([bad.exitCode, bad.stderr]).toEqual([1, expect.stringContaining('not a git command')])
  })

  test('passes arguments as they are, without a shell', async () => {
    using workspace = new TempWorkspace()
    const environment = await fakeGit(workspace, 'for a; do printf "<%s>" "$a"; done')
    const argument = '$(touch pwned) `id` ; & | "quoted" *'
    const { stdout } = await runGit(workspace.folder, ['log', argument], { environment })
    expect(stdout).toContain(`<log><${argument}>`)
    expect(existsSync(workspace.path('pwned'))).toBe(false)
  })

  test('passes on only the named environment variables', async () => {
    using workspace = new TempWorkspace()
    const environment = { ...(await fakeGit(workspace, 'env')), HOME: '/home/of/user', GIT_DIR: '/elsewhere' }
    const { stdout } = await runGit(workspace.folder, [], { environment })
    expect(stdout).toContain('HOME=/home/of/user\n')
    expect(stdout).toContain('GIT_ALLOW_PROTOCOL=none\n')
    expect(stdout).not.toMatch(/do-not-pass-on|GIT_DIR/)
  })

  test('never runs a git that lies in the workspace', async () => {
    using workspace = new TempWorkspace({ 'bin/git': '#!/bin/sh\necho pwned', git: '#!/bin/sh\necho pwned' })
    await chmod(workspace.path('bin/git'), 0o755)
    await chmod(workspace.path('git'), 0o755)
    const environment = { PATH: `${workspace.path('bin')}:.::bin:${workspace.folder}` }
    await expect(runGit(workspace.folder, [], { environment })).rejects.toThrow('git is not installed')
  })

  test('does not let a repository start programs of its own', async () => {
    using workspace = new TempWorkspace({ 'a.txt': '' })
    workspace.git('init', '-q')
    workspace.git('add', '.')
    workspace.git('commit', '-qm', 'one')
    workspace.write({ 'run.sh': '#!/bin/sh\ntouch "$(dirname "$0")/pwned"\n' })
    await chmod(workspace.path('run.sh'), 0o755)
    for (const name of ['core.fsmonitor', 'core.pager', 'gpg.program']) {
      workspace.git('config', name, workspace.path('run.sh'))
    }
    workspace.git('config', 'log.showSignature', 'true')
    const environment = gitTestEnvironment(workspace.outside)
    expect((await runGit(workspace.folder, ['log', '--oneline'], { environment })).stdout).toContain('one')
    await runGit(workspace.folder, ['status'], { environment })
    expect(existsSync(workspace.path('pwned'))).toBe(false)
  })

  test('ends git and fails with the reason when the signal aborts', async () => {
    using workspace = new TempWorkspace()
    const environment = await fakeGit(workspace, 'touch started; exec sleep 600')
    const controller = new AbortController()
    const running = runGit(workspace.folder, [], { environment, signal: controller.signal })
    await expect.poll(() => existsSync(workspace.path('started'))).toBe(true)
    controller.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    const aborted = runGit(workspace.folder, [], { environment, signal: controller.signal })
    await expect(aborted).rejects.toThrow('enough')
  })

  test('ends git when it takes too long', async () => {
    using workspace = new TempWorkspace()
    const environment = await fakeGit(workspace, 'exec sleep 600')
    const running = runGit(workspace.folder, [], { environment, timeoutMs: 50 })
    await expect(running).rejects.toThrow('did not answer within 50 ms')
  })

  test('refuses more than 4 MiB of output', async () => {
    using workspace = new TempWorkspace()
    const environment = await fakeGit(workspace, 'head -c 5000000 /dev/zero')
    await expect(runGit(workspace.folder, [], { environment })).rejects.toThrow('more than 4 MiB')
  })

  test('tells when git cannot be started at all', async () => {
    using workspace = new TempWorkspace()
    const environment = await fakeGit(workspace, '')
    await chmod(join(workspace.outside, 'bin/git'), 0o644)
    const PATH = join(workspace.outside, 'bin')
    await expect(runGit(workspace.folder, [], { environment: { ...environment, PATH } })).rejects.toThrow('EACCES')
  })
})

describe('findExcludesFile', () => {
  test('asks git where the user ignores things', async () => {
    using workspace = new TempWorkspace({ '../.gitconfig': '[core]\n\texcludesFile = ~/my-ignores\n' })
    const environment = gitTestEnvironment(workspace.outside)
    expect(await findExcludesFile(workspace.folder, { environment })).toBe(join(workspace.outside, 'my-ignores'))
  })

  test('falls back to the default place, without git too', async () => {
    using workspace = new TempWorkspace()
    const environment = gitTestEnvironment(workspace.outside)
    const inHome = join(workspace.outside, '.config/git/ignore')
    expect(await findExcludesFile(workspace.folder, { environment })).toBe(inHome)
    expect(await findExcludesFile(workspace.folder, { environment: { ...environment, PATH: '' } })).toBe(inHome)
    const XDG_CONFIG_HOME = '/config'
    const withXdg = await findExcludesFile(workspace.folder, { environment: { ...environment, XDG_CONFIG_HOME } })
    expect(withXdg).toBe(join('/config', 'git', 'ignore'))
  })
})
