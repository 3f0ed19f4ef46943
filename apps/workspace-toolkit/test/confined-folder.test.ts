import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfinedFolder, type FolderView, maxFileBytes } from '../src/confined-folder.ts'
import { collect } from './collect.ts'
import { TempWorkspace } from './temp-workspace.ts'

const { signal } = new AbortController()
const hiddenMessage = 'dot files, git-ignored files and private folders are never listed or read'

async function listed(
  view: FolderView,
  path = '',
  options: { depth?: number; after?: string } = {},
): Promise<string[]> {
  const entries = await collect(view.walk(await view.locate(path), { signal, ...options }))
  return entries.map((entry) => (entry.type === 'folder' ? `${entry.path}/` : entry.path))
}

async function read(view: FolderView, path: string): Promise<string | undefined> {
  return (await view.readFile(await view.locate(path))).bytes?.toString()
}

describe('a confined folder', () => {
  test('reads a file by any spelling of its path', async () => {
    using workspace = new TempWorkspace({ 'src/a.txt': 'hello' })
    const view = await new ConfinedFolder(workspace.folder).view()
    for (const path of ['src/a.txt', './src//a.txt', 'src/./a.txt/']) expect(await read(view, path)).toBe('hello')
  })

  test('works when it is given by a link or with a slash at its end', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'hello' })
    symlinkSync(workspace.folder, join(workspace.outside, 'link'))
    for (const folder of [join(workspace.outside, 'link'), `${workspace.folder}/`]) {
      expect(await read(await new ConfinedFolder(folder).view(), 'a.txt')).toBe('hello')
    }
  })

  test('must exist and be a folder', () => {
    using workspace = new TempWorkspace({ 'a.txt': '' })
    expect(() => new ConfinedFolder(workspace.path('none'))).toThrow('does not exist')
    expect(() => new ConfinedFolder(workspace.path('a.txt'))).toThrow('is not a folder')
  })

  test('says that a missing file is missing', async () => {
    using workspace = new TempWorkspace({ 'a.txt': '' })
    const view = await new ConfinedFolder(workspace.folder).view()
    for (const path of ['b.txt', 'none/b.txt', 'a.txt/b', 'src%2f..%2f..%2fetc%2fpasswd', '%2e%2e/x', '~/x']) {
      await expect(view.locate(path)).rejects.toThrow('There is no')
    }
  })

  test('refuses a name longer than the file system takes', async () => {
    using workspace = new TempWorkspace()
    const view = await new ConfinedFolder(workspace.folder).view()
    await expect(view.locate('x'.repeat(4_000))).rejects.toThrow('ENAMETOOLONG')
  })

  test('follows links that stay inside and names the real file', async () => {
    using workspace = new TempWorkspace({ 'src/a.txt': 'hello' })
    symlinkSync('src', workspace.path('link'))
    symlinkSync('link/a.txt', workspace.path('twice.txt'))
    const view = await new ConfinedFolder(workspace.folder).view()
    expect((await view.locate('twice.txt')).path).toBe('src/a.txt')
    expect(await read(view, 'link/a.txt')).toBe('hello')
  })

  test('refuses links that leave the folder, to files and to folders', async () => {
    using workspace = new TempWorkspace({ '../secret.txt': 'canary', '../workspace-2/secret.txt': 'canary' })
    symlinkSync('../secret.txt', workspace.path('file'))
    symlinkSync(workspace.outside, workspace.path('folder'))
    symlinkSync('../workspace-2', workspace.path('namesake'))
    const view = await new ConfinedFolder(workspace.folder).view()
    for (const path of ['file', 'folder', 'folder/secret.txt', 'namesake/secret.txt']) {
      await expect(view.locate(path)).rejects.toThrow('leaves the workspace folder')
    }
  })

  test('refuses links that lead to what is hidden inside', async () => {
    using workspace = new TempWorkspace({
      '.env': 'canary',
      '.gitignore': 'ignored/\n',
      'ignored/x': 'canary',
      'data/x': 'canary',
    })
    symlinkSync('.env', workspace.path('a'))
    symlinkSync('ignored', workspace.path('b'))
    symlinkSync('data', workspace.path('c'))
    const view = await new ConfinedFolder(workspace.folder, [workspace.path('data')]).view()
    for (const path of ['a', 'b', 'b/x', 'c', 'c/x']) await expect(view.locate(path)).rejects.toThrow(hiddenMessage)
  })

  test('refuses a link that leads to itself', async () => {
    using workspace = new TempWorkspace()
    symlinkSync('loop', workspace.path('loop'))
    const view = await new ConfinedFolder(workspace.folder).view()
    await expect(view.locate('loop')).rejects.toThrow('leads to itself')
  })

  test('never lists or reads dot files, whatever the case and wherever they are', async () => {
    using workspace = new TempWorkspace({
      '.env': '',
      '.GIT/config': '',
      'src/.secret/x': '',
      'src/a.ts': '',
      '...': '',
    })
    const view = await new ConfinedFolder(workspace.folder).view()
    expect(await listed(view)).toEqual(['src/', 'src/a.ts'])
    for (const path of ['.env', './.env/', '.GIT/config', 'src/.secret', 'src/.secret/x', '...', '.not-there']) {
      await expect(view.locate(path)).rejects.toThrow(hiddenMessage)
    }
  })

  test('never lists or reads git-ignored files, and does not tell whether they exist', async () => {
    using workspace = new TempWorkspace({
      '.gitignore': 'out/\n*.key\n',
      'src/.gitignore': 'local.ts\n',
      'src/local.ts': '',
      'src/a.ts': '',
      'out/x.js': '',
      'deep/id.key': '',
    })
    const view = await new ConfinedFolder(workspace.folder).view()
    expect(await listed(view)).toEqual(['deep/', 'src/', 'src/a.ts'])
    for (const path of ['out', 'out/x.js', 'out/none.js', 'src/local.ts', 'deep/id.key', 'none.key']) {
      await expect(view.locate(path)).rejects.toThrow(hiddenMessage)
    }
  })

  test('sees changed ignore rules on the next view', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'hello' })
    const folder = new ConfinedFolder(workspace.folder)
    expect(await read(await folder.view(), 'a.txt')).toBe('hello')
    workspace.write({ '.gitignore': 'a.txt\n' })
    await expect((await folder.view()).locate('a.txt')).rejects.toThrow(hiddenMessage)
  })

  test('never lists or reads hidden files and folders, also when they appear later', async () => {
    using workspace = new TempWorkspace({ 'keys.json': 'canary', 'a.txt': '' })
    const folder = new ConfinedFolder(workspace.folder, [workspace.path('keys.json'), workspace.path('state/data')])
    expect(await listed(await folder.view())).toEqual(['a.txt'])
    workspace.write({ 'state/data/x.sqlite': 'canary', 'state/b.txt': '' })
    linkSync(workspace.path('keys.json'), workspace.path('copy.json'))
    const view = await folder.view()
    expect(await listed(view)).toEqual(['a.txt', 'copy.json', 'state/', 'state/b.txt'])
    for (const path of ['keys.json', 'copy.json', 'state/data', 'state/data/x.sqlite', 'state/data/none']) {
      await expect(view.locate(path)).rejects.toThrow(path === 'state/data/none' ? 'There is no' : hiddenMessage)
    }
  })

  test('knows hidden files and folders by what they are, not only by name', async () => {
    using workspace = new TempWorkspace({ 'keys.json': 'canary', 'data/x.sqlite': 'canary' })
    linkSync(workspace.path('keys.json'), workspace.path('copy.json'))
    const hidden = [workspace.path('keys.json'), workspace.path('data')]
    const view = await new ConfinedFolder(workspace.folder, hidden).view()
    renameSync(workspace.path('data'), workspace.path('moved'))
    const entries = await collect(view.walk(await view.locate(''), { signal }))
    expect(entries.map((entry) => entry.path)).toEqual(['copy.json', 'moved'])
    const [copy] = entries
    await expect(copy && view.readFile(copy)).rejects.toThrow(hiddenMessage)
  })

  test('shows nothing when the folder itself, or a folder around it, is hidden', async () => {
    using workspace = new TempWorkspace({ 'a.txt': '' })
    for (const hidden of [workspace.folder, workspace.outside]) {
      const view = await new ConfinedFolder(workspace.folder, [hidden]).view()
      await expect(view.locate('')).rejects.toThrow(hiddenMessage)
      await expect(view.locate('a.txt')).rejects.toThrow(hiddenMessage)
    }
  })

  test('uses only regular files: no FIFO, no device', async () => {
    using workspace = new TempWorkspace({ 'a.txt': '' })
    execFileSync('mkfifo', [workspace.path('fifo')])
    const view = await new ConfinedFolder(workspace.folder).view()
    expect(await listed(view)).toEqual(['a.txt'])
    await expect(view.locate('fifo')).rejects.toThrow('neither a regular file nor a folder')
    const devices = await new ConfinedFolder('/dev').view()
    await expect(devices.locate('zero')).rejects.toThrow('neither a regular file nor a folder')
  })

  test('does not show names that no path can ask for', async () => {
    using workspace = new TempWorkspace({ 'a\\b': 'canary', 'a.txt': '' })
    symlinkSync('a\\b', workspace.path('link'))
    const view = await new ConfinedFolder(workspace.folder).view()
    expect(await listed(view)).toEqual(['a.txt'])
    await expect(view.locate('link')).rejects.toThrow(hiddenMessage)
  })
})

describe('a file that is swapped after it was found', () => {
  test('is not read when it became a link', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'hello', '../secret.txt': 'canary' })
    const view = await new ConfinedFolder(workspace.folder).view()
    const entry = await view.locate('a.txt')
    rmSync(workspace.path('a.txt'))
    symlinkSync('../secret.txt', workspace.path('a.txt'))
    await expect(view.readFile(entry)).rejects.toThrow('was just replaced')
    expect(await view.sizeOf(entry)).toBeUndefined()
  })

  test('is not read when a folder above it became a link', async () => {
    using workspace = new TempWorkspace({ 'src/a.txt': 'hello', '../other/a.txt': 'canary' })
    const view = await new ConfinedFolder(workspace.folder).view()
    const entry = await view.locate('src/a.txt')
    renameSync(workspace.path('src'), workspace.path('moved'))
    symlinkSync('../other', workspace.path('src'))
    await expect(view.readFile(entry)).rejects.toThrow('replaced while it was being opened')
  })

  test('is not waited for when it became a FIFO, nor read when it is gone', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'hello' })
    const view = await new ConfinedFolder(workspace.folder).view()
    const entry = await view.locate('a.txt')
    rmSync(workspace.path('a.txt'))
    await expect(view.readFile(entry)).rejects.toThrow('"a.txt" was removed')
    execFileSync('mkfifo', [workspace.path('a.txt')])
    await expect(view.readFile(entry)).rejects.toThrow('not a regular file')
  })

  test('is not walked into when a folder became a link', async () => {
    using workspace = new TempWorkspace({ 'a/x.txt': '', 'b/y.txt': '', '../other/canary.txt': '' })
    const view = await new ConfinedFolder(workspace.folder).view()
    const paths: string[] = []
    for await (const entry of view.walk(await view.locate(''), { signal })) {
      paths.push(entry.path)
      if (entry.path !== 'a') continue
      rmSync(workspace.path('b'), { recursive: true })
      symlinkSync('../other', workspace.path('b'))
    }
    expect(paths).toEqual(['a', 'a/x.txt', 'b'])
  })
})

describe('reading', () => {
  test('stops at 1 MiB and tells the full size', async () => {
    using workspace = new TempWorkspace({ 'large.bin': 'start' })
    truncateSync(workspace.path('large.bin'), 5_000_000_000)
    const view = await new ConfinedFolder(workspace.folder).view()
    const entry = await view.locate('large.bin')
    const { bytes, size } = await view.readFile(entry)
    expect([bytes?.length, size]).toEqual([maxFileBytes, 5_000_000_000])
    expect((await view.readFile(entry, true)).bytes).toBeUndefined()
  })

  test('takes a file of exactly 1 MiB for whole', async () => {
    using workspace = new TempWorkspace({ 'a.txt': 'x'.repeat(maxFileBytes) })
    const view = await new ConfinedFolder(workspace.folder).view()
    expect((await view.readFile(await view.locate('a.txt'), true)).bytes).toHaveLength(maxFileBytes)
  })
})

describe('a walk', () => {
  const files = { 'b/2.txt': '', 'b/1.txt': '', 'b.txt': '', 'a/deep/er/x': '', c: '', 'b-/z': '' }
  const all = ['a/', 'a/deep/', 'a/deep/er/', 'a/deep/er/x', 'b/', 'b/1.txt', 'b/2.txt', 'b-/', 'b-/z', 'b.txt', 'c']

  test('lists folders before their content, in order, without links', async () => {
    using workspace = new TempWorkspace(files)
    symlinkSync('c', workspace.path('link'))
    symlinkSync('.', workspace.path('a/cycle'))
    const view = await new ConfinedFolder(workspace.folder).view()
    expect(await listed(view)).toEqual(all)
    expect(await listed(view, 'a', { depth: 1 })).toEqual(['a/deep/'])
  })

  test('goes on after any path, also one that is gone', async () => {
    using workspace = new TempWorkspace(files)
    const view = await new ConfinedFolder(workspace.folder).view()
    for (const [index, path] of all.entries()) {
      expect(await listed(view, '', { after: path.replace(/\/$/, '') })).toEqual(all.slice(index + 1))
    }
    expect(await listed(view, '', { after: 'b/1.tx~' })).toEqual(all.slice(6))
    expect(await listed(view, '', { after: 'zzz' })).toEqual([])
    expect(await listed(view, '', { after: '../../etc/passwd' })).toEqual(all)
  })

  test.each([files, { a: '', b: '' }])(
    'stops when the signal aborts, in folders and between files',
    async (content) => {
      using workspace = new TempWorkspace(content)
      const view = await new ConfinedFolder(workspace.folder).view()
      const controller = new AbortController()
      const walk = view.walk(await view.locate(''), { signal: controller.signal })
      await walk.next()
      controller.abort(new Error('enough'))
      await expect(walk.next()).rejects.toThrow('enough')
    },
  )

  test('counts folders that it cannot read and goes on', async () => {
    using workspace = new TempWorkspace({ 'z.txt': '' })
    // Deeper than a path may be long: made step by step, and unreadable by its full path.
    const name = 'd'.repeat(250)
    execFileSync('sh', ['-c', `for i in $(seq 20); do mkdir ${name} && cd -P ${name}; done`], { cwd: workspace.folder })
    const view = await new ConfinedFolder(workspace.folder).view()
    expect((await listed(view)).at(-1)).toBe('z.txt')
    expect(view.unreadableFolders).toBe(1)
    execFileSync('rm', ['-rf', workspace.path(name)])
  })

  test('does not go deeper than 64 folders', async () => {
    using workspace = new TempWorkspace()
    mkdirSync(workspace.path(...Array.from({ length: 70 }, () => 'd')), { recursive: true })
    writeFileSync(workspace.path('d', 'x'), '')
    const view = await new ConfinedFolder(workspace.folder).view()
    expect(await listed(view)).toHaveLength(65)
  })
})
