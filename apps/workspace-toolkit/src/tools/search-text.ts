import type { Toolkit } from '@atp/core'
import * as z from 'zod'
import type { ConfinedFolder } from '../confined-folder.ts'
import { Breather, newScanReport, scanFiles } from '../scan-files.ts'
import { compileGlob, globHelp } from '../text/glob.ts'
import { jsonBytes, maxAnswerBytes } from '../text/json-size.ts'
import { compileLinePattern, type LineMatcher, maxSearchedLineLength } from '../text/line-matcher.ts'
import { toLines } from '../text/text-lines.ts'
import { joinNotices, pathParam, readOnlyTool } from './shared.ts'

/** How much of a line is shown, in characters. */
const maxShownLineLength = 300

const params = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .max(1_000)
    .describe('What to find within a line: plain text, or a regular expression when regex is true.'),
  regex: z
    .boolean()
    .default(false)
    .describe('Whether pattern is a regular expression in RE2 syntax (no look-around, no backreferences).'),
  ignore_case: z.boolean().default(false).describe('Whether upper and lower case are the same.'),
  path: pathParam.describe('Folder or file to search, from the workspace folder. Default: the whole workspace.'),
  include: z.string().min(1).max(500).optional().describe(`Searches only files that match. ${globHelp}`),
  context_lines: z.int().min(0).max(10).default(0).describe('Lines to show before and after each match, 0 to 10.'),
  max_results: z.int().min(1).max(500).default(50).describe('Most matching lines to return, 1 to 500.'),
})

const match = z.object({
  path: z.string(),
  line: z.int().describe('Line number, counted from 1.'),
  text: z.string(),
  before: z.array(z.string()).optional(),
  after: z.array(z.string()).optional(),
})

const output = z.object({
  matches: z.array(match),
  files_searched: z.int(),
  files_skipped: z.object({ binary: z.int(), larger_than_1_mib: z.int(), unreadable: z.int() }),
  truncated: z.boolean().describe('Whether there may be more matches; notice says why.'),
  notice: z.string().optional(),
})

/** Adds `search_text`: the lines of the workspace that hold a text or fit a regular expression. */
export function registerSearchText(toolkit: Toolkit, folder: ConfinedFolder): void {
  toolkit.registerTool(
    {
      name: 'search_text',
      description:
        'Finds lines in the text files of the workspace, by plain text or regular expression, case-sensitive unless ignore_case is set. Binary files, files over 1 MiB, dot files and git-ignored files are not searched. Shown lines are at most 300 characters long.',
      params,
      output,
      annotations: { title: 'Search in files', ...readOnlyTool },
      tags: ['workspace', 'search'],
    },
    async (args, context) => {
      const found = new FoundLines(compileLinePattern({ ...args, ignoreCase: args.ignore_case }), args)
      const include = args.include === undefined ? undefined : compileGlob(args.include)
      const { signal } = context
      const onProgress = (files: number): void =>
        context.progress({ progress: files, message: `${files} files searched` })
      const report = newScanReport()
      const skipped = { binary: 0, large: 0 }
      const view = await folder.view()
      const start = await view.locate(args.path)
      for await (const { path, text, kind } of scanFiles(view, start, report, { signal, include, onProgress })) {
        if (kind !== 'text') skipped[kind] += 1
        if (text !== undefined) await found.search(path, toLines(text), signal)
        if (found.full) break
      }
      return {
        matches: found.matches,
        files_searched: report.files - skipped.binary - skipped.large - report.unreadableFiles,
        files_skipped: {
          binary: skipped.binary,
          larger_than_1_mib: skipped.large,
          unreadable: report.unreadableFiles,
        },
        truncated: found.full || report.stoppedEarly,
        ...joinNotices(
          found.full && 'There are more matches: narrow the search with path, include or a longer pattern.',
          report.stoppedEarly && 'There are more files than one search reads: narrow it with path or include.',
          found.longLines > 0 &&
            `${found.longLines} line(s) were searched only in their first ${maxSearchedLineLength} characters.`,
          view.unreadableFolders > 0 && `${view.unreadableFolders} folder(s) could not be read.`,
        ),
      }
    },
  )
}

type Match = z.infer<typeof match>

/** Collects matching lines up to the limits of one answer. */
class FoundLines {
  readonly matches: Match[] = []
  /** Whether there was one match more than the answer may have. */
  full = false
  /** How many lines were too long to be searched whole. */
  longLines = 0
  readonly #matcher: LineMatcher
  readonly #contextLines: number
  readonly #maxResults: number
  readonly #breather = new Breather()
  #bytes = 0

  constructor(matcher: LineMatcher, limits: { context_lines: number; max_results: number }) {
    this.#matcher = matcher
    this.#contextLines = limits.context_lines
    this.#maxResults = limits.max_results
  }

  async search(path: string, lines: readonly string[], signal: AbortSignal): Promise<void> {
    for (const [index, line] of lines.entries()) {
      await this.#breather.breathe(signal)
      const searched = line.slice(0, maxSearchedLineLength)
      if (searched.length < line.length) this.longLines += 1
      if (this.#matcher.test(searched)) this.#add(this.#describe(path, lines, index, searched))
      if (this.full) return
    }
  }

  #add(found: Match): void {
    this.#bytes += jsonBytes(found)
    if (this.matches.length >= this.#maxResults || this.#bytes > maxAnswerBytes) this.full = true
    else this.matches.push(found)
  }

  #describe(path: string, lines: readonly string[], index: number, searched: string): Match {
    const found = { path, line: index + 1, text: this.#shorten(searched, lines[index] ?? '') }
    if (this.#contextLines === 0) return found
    return {
      ...found,
      before: lines.slice(Math.max(0, index - this.#contextLines), index).map(cutLine),
      after: lines.slice(index + 1, index + 1 + this.#contextLines).map(cutLine),
    }
  }

  /** Of a long line, the part around the match is shown. */
  #shorten(searched: string, line: string): string {
    if (line.length <= maxShownLineLength) return line
    const start = Math.max(0, this.#matcher.indexIn(searched) - 100)
    const end = start + maxShownLineLength
    return `${start > 0 ? '…' : ''}${line.slice(start, end)}${end < line.length ? '…' : ''}`
  }
}

function cutLine(line: string): string {
  return line.length <= maxShownLineLength ? line : `${line.slice(0, maxShownLineLength)}…`
}
