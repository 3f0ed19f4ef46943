import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stampOf } from '../../src/dev/file-stamp.ts'
import { FileWatcher } from '../../src/dev/file-watcher.ts'
import { temporaryFolder } from '../run-atp.ts'

/** A watcher of some files of a folder, and what it tells. */
function watchFiles(names: readonly string[], pollMs = 3_600_000) {
  const folder = temporaryFolder()
  const path = (name: string): string => join(folder, name)
  for (const name of names) {
    mkdirSync(join(path(name), '..'), { recursive: true })
    writeFileSync(path(name), 'first')
  }
  const told: string[][] = []
  const watcher = new FileWatcher((files) => told.push(files), { settleMs: 20, pollMs })
  onTestFinished(() => watcher.close())
  watcher.replace(new Map(names.map((name) => [path(name), stampOf(path(name))])))
  return { path, told, watcher }
}

describe('a file watcher', () => {
  it('tells once of several writes that come together, and of all files', async () => {
    const { path, told } = watchFiles(['a.ts', 'sub/b.ts'])
    for (const text of ['second', 'third', 'the fourth']) writeFileSync(path('a.ts'), text)
    writeFileSync(path('sub/b.ts'), 'second')
    await expect.poll(() => told).toEqual([[path('a.ts'), path('sub/b.ts')]])
  })

  it('tells of a file that is replaced, removed, or comes', async () => {
    const { path, told, watcher } = watchFiles(['a.ts'])
    writeFileSync(path('new'), 'first')
    renameSync(path('new'), path('a.ts'))
    await expect.poll(() => told).toHaveLength(1)
    rmSync(path('a.ts'))
    await expect.poll(() => told).toHaveLength(2)
    writeFileSync(path('a.ts'), 'first')
    await expect.poll(() => told).toHaveLength(3)
    watcher.add(path('b.ts'), '')
    writeFileSync(path('b.ts'), 'first')
    await expect.poll(() => told.at(-1)).toEqual([path('b.ts')])
  })

  it('does not tell of other files, nor of what changes nothing', async () => {
    const { path, told } = watchFiles(['a.ts'])
    writeFileSync(path('other.ts'), 'first')
    renameSync(path('a.ts'), path('away.ts'))
    renameSync(path('away.ts'), path('a.ts'))
    // What comes later is told alone.
    writeFileSync(path('a.ts'), 'second')
    await expect.poll(() => told).toEqual([[path('a.ts')]])
  })

  it('tells of what changed before it began to watch', async () => {
    const { path, told, watcher } = watchFiles(['a.ts'])
    const stamp = stampOf(path('a.ts'))
    utimesSync(path('a.ts'), 1, 1)
    watcher.replace(new Map([[path('a.ts'), stamp]]))
    await expect.poll(() => told).toEqual([[path('a.ts')]])
  })

  it('finds out by looking what the system does not tell', async () => {
    const { path, told } = watchFiles(['sub/deep/a.ts'], 30)
    // Nobody watches the folder above.
    renameSync(path('sub'), path('away'))
    await expect.poll(() => told).toHaveLength(1)
    mkdirSync(path('sub/deep'), { recursive: true })
    writeFileSync(path('sub/deep/a.ts'), 'second')
    await expect.poll(() => told).toHaveLength(2)
    writeFileSync(path('sub/deep/a.ts'), 'and a third')
    await expect.poll(() => told).toHaveLength(3)
  })

  it('watches the folder that comes in the place of one that was moved', async () => {
    await expect.poll(handles).toBe(0)
    const { path, told, watcher } = watchFiles(['sub/a.ts'])
    renameSync(path('sub'), path('away'))
    await expect.poll(() => told).toHaveLength(1)
    expect(handles()).toBe(0)
    mkdirSync(path('sub'))
    watcher.add(path('sub/a.ts'), '')
    writeFileSync(path('sub/a.ts'), 'second')
    await expect.poll(() => told).toHaveLength(2)
  })

  it('tells nothing and holds nothing after it is closed', async () => {
    // Those of other tests close in their own time.
    await expect.poll(handles).toBe(0)
    const { path, told, watcher } = watchFiles(['a.ts', 'sub/b.ts'], 10)
    expect(handles()).toBe(2)
    writeFileSync(path('a.ts'), 'second')
    watcher.close()
    watcher.close()
    watcher.add(path('c.ts'), '')
    await expect.poll(handles).toBe(0)
    expect(told).toEqual([])
  })
})

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length
}
