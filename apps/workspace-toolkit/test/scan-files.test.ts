import { describe, expect, test } from 'vitest'
import { ConfinedFolder, maxFileBytes } from '../src/confined-folder.ts'
import { Breather, newScanReport, type ScanOptions, scanFiles } from '../src/scan-files.ts'
import { collect } from './collect.ts'
import { TempWorkspace } from './temp-workspace.ts'

const neverAborted = new AbortController().signal

async function scan(workspace: TempWorkspace, options: Partial<ScanOptions> = {}, path = '') {
  const view = await new ConfinedFolder(workspace.folder).view()
  const report = newScanReport()
  const start = await view.locate(path)
  const files = await collect(scanFiles(view, start, report, { signal: neverAborted, ...options }))
  return { files, report }
}

describe('scanFiles', () => {
  test('gives each file with its text, or says why there is none', async () => {
    using workspace = new TempWorkspace({
      'a.txt': 'hello',
      'b.bin': new Uint8Array([1, 0, 2]),
      'c.txt': 'x'.repeat(maxFileBytes + 1),
      'd.txt': '',
    })
    const { files, report } = await scan(workspace)
    expect(files.map(({ path, kind, size }) => [path, kind, size])).toEqual([
      ['a.txt', 'text', 5],
      ['b.bin', 'binary', 3],
      ['c.txt', 'large', maxFileBytes + 1],
      ['d.txt', 'text', 0],
    ])
    expect(files.map(({ text }) => text)).toEqual(['hello', undefined, undefined, ''])
    expect(report).toEqual({ files: 4, unreadableFiles: 0, stoppedEarly: false })
  })

  test('keeps to files that are included, but takes a file that was asked for by name', async () => {
    using workspace = new TempWorkspace({ 'a.ts': '', 'b.md': '' })
    const include = (path: string): boolean => path.endsWith('.ts')
    expect((await scan(workspace, { include })).files.map(({ path }) => path)).toEqual(['a.ts'])
    expect((await scan(workspace, { include }, 'b.md')).files.map(({ path }) => path)).toEqual(['b.md'])
  })

  test('stops after so many files or bytes and says so', async () => {
    using workspace = new TempWorkspace({ a: '12345', b: '12345', c: '12345' })
    const byFiles = await scan(workspace, { maxFiles: 2 })
    expect([byFiles.files.length, byFiles.report.stoppedEarly]).toEqual([2, true])
    const byBytes = await scan(workspace, { maxBytes: 6 })
    expect([byBytes.files.length, byBytes.report.stoppedEarly]).toEqual([2, true])
    expect((await scan(workspace, { maxFiles: 3, maxBytes: 16 })).report.stoppedEarly).toBe(false)
  })

  test('counts a file that vanished meanwhile and goes on', async () => {
    using workspace = new TempWorkspace({ a: '', b: '', c: '' })
    const view = await new ConfinedFolder(workspace.folder).view()
    const report = newScanReport()
    const paths: string[] = []
    for await (const { path } of scanFiles(view, await view.locate(''), report, { signal: neverAborted })) {
      paths.push(path)
      if (path === 'a') workspace.remove('b')
    }
    expect(paths).toEqual(['a', 'c'])
    expect(report).toEqual({ files: 3, unreadableFiles: 1, stoppedEarly: false })
  })

  test('reports progress after each hundred files', async () => {
    using workspace = new TempWorkspace(Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`f${n}`, ''])))
    const progress: number[] = []
    await scan(workspace, { onProgress: (files) => progress.push(files) })
    expect(progress).toEqual([100, 200])
  })

  test('stops at the next file when the signal aborts', async () => {
    using workspace = new TempWorkspace({ a: '', b: '', c: '', d: '' })
    const view = await new ConfinedFolder(workspace.folder).view()
    const report = newScanReport()
    const controller = new AbortController()
    const running = async (): Promise<void> => {
      const files = scanFiles(view, await view.locate(''), report, { signal: controller.signal })
      for await (const { path } of files) if (path === 'b') controller.abort(new Error('enough'))
    }
    await expect(running()).rejects.toThrow('enough')
    expect(report.files).toBe(2)
  })
})

test('a breather lets a cancel through when computing takes long', async () => {
  const controller = new AbortController()
  const breather = new Breather()
  setImmediate(() => controller.abort(new Error('enough')))
  await expect(async () => {
    for (;;) await breather.breathe(controller.signal)
  }).rejects.toThrow('enough')
})
