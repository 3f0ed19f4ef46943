import { extname } from 'node:path'
import type { Toolkit } from '@atp/core'
import * as z from 'zod'
import type { ConfinedFolder } from '../confined-folder.ts'
import { Breather, newScanReport, type ScannedFile, scanFiles } from '../scan-files.ts'
import { compileGlob, globHelp } from '../text/glob.ts'
import { toLines } from '../text/text-lines.ts'
import { joinNotices, pathParam, readOnlyTool } from './shared.ts'

const params = z.strictObject({
  path: pathParam.describe('Folder or file to count, from the workspace folder. Default: the whole workspace.'),
  include: z.string().min(1).max(500).optional().describe(`Counts only files that match. ${globHelp}`),
  top: z.int().min(1).max(20).default(10).describe('How many extensions, largest and newest files to name, 1 to 20.'),
})

const output = z.object({
  total_files: z.int(),
  total_bytes: z.int(),
  total_lines: z.int().describe('Lines of text files of up to 1 MiB.'),
  by_extension: z
    .array(z.object({ extension: z.string(), files: z.int(), bytes: z.int(), lines: z.int() }))
    .describe('Most files first; "" is for files without extension.'),
  largest_files: z.array(z.object({ path: z.string(), size_bytes: z.int() })),
  newest_files: z.array(z.object({ path: z.string(), modified_at: z.string() })),
  truncated: z.boolean().describe('Whether files are missing in the numbers; notice says why.'),
  notice: z.string().optional(),
})

/** Adds `file_stats`: numbers that tell what a workspace consists of. */
export function registerFileStats(toolkit: Toolkit, folder: ConfinedFolder): void {
  toolkit.registerTool(
    {
      name: 'file_stats',
      description:
        'Counts files, bytes and lines of the workspace, in total and by file extension, and names the largest and the most recently changed files. Dot files and git-ignored files do not count.',
      params,
      output,
      annotations: { title: 'File statistics', ...readOnlyTool },
      tags: ['workspace', 'files'],
    },
    async ({ path, include, top }, context) => {
      const { signal } = context
      const matches = include === undefined ? undefined : compileGlob(include)
      const onProgress = (files: number): void =>
        context.progress({ progress: files, message: `${files} files counted` })
      const report = newScanReport()
      const counts = new FileCounts()
      const breather = new Breather()
      const view = await folder.view()
      const start = await view.locate(path)
      for await (const file of scanFiles(view, start, report, { signal, include: matches, onProgress })) {
        counts.add(file)
        await breather.breathe(signal)
      }
      const { unreadableFiles, stoppedEarly } = report
      return {
        ...counts.summary(top),
        truncated: stoppedEarly || unreadableFiles > 0 || view.unreadableFolders > 0,
        ...joinNotices(
          stoppedEarly && `Only the first ${report.files} files were counted: choose a folder with path.`,
          unreadableFiles > 0 && `${unreadableFiles} file(s) could not be read and do not count.`,
          view.unreadableFolders > 0 && `${view.unreadableFolders} folder(s) could not be read and do not count.`,
        ),
      }
    },
  )
}

interface Count {
  files: number
  bytes: number
  lines: number
}

class FileCounts {
  readonly #total: Count = { files: 0, bytes: 0, lines: 0 }
  readonly #byExtension = new Map<string, Count>()
  readonly #files: { path: string; size: number; modifiedMs: number }[] = []

  add({ path, size, modifiedMs, text }: ScannedFile): void {
    const extension = extname(path).toLowerCase()
    const count = this.#byExtension.get(extension) ?? { files: 0, bytes: 0, lines: 0 }
    this.#byExtension.set(extension, count)
    const lines = text === undefined ? 0 : toLines(text).length
    for (const sum of [count, this.#total]) {
      sum.files += 1
      sum.bytes += size
      sum.lines += lines
    }
    this.#files.push({ path, size, modifiedMs })
  }

  summary(top: number): Omit<z.infer<typeof output>, 'truncated' | 'notice'> {
    const extensions = [...this.#byExtension].toSorted(([, a], [, b]) => b.files - a.files || b.bytes - a.bytes)
    const largest = this.#files.toSorted((a, b) => b.size - a.size).slice(0, top)
    const newest = this.#files.toSorted((a, b) => b.modifiedMs - a.modifiedMs).slice(0, top)
    return {
      total_files: this.#total.files,
      total_bytes: this.#total.bytes,
      total_lines: this.#total.lines,
      by_extension: extensions.slice(0, top).map(([extension, count]) => ({ extension, ...count })),
      largest_files: largest.map(({ path, size }) => ({ path, size_bytes: size })),
      newest_files: newest.map(({ path, modifiedMs }) => ({ path, modified_at: new Date(modifiedMs).toISOString() })),
    }
  }
}
