import { ToolError, type Toolkit } from '@atp/core'
import * as z from 'zod'
import { type ConfinedFolder, maxFileBytes } from '../confined-folder.ts'
import { maxPathLength } from '../confinement/relative-path.ts'
import { cutToJsonBytes, jsonBytes, maxAnswerBytes } from '../text/json-size.ts'
import { quote } from '../text/quote.ts'
import { isBinary, toLines, toText } from '../text/text-lines.ts'
import { joinNotices, readOnlyTool } from './shared.ts'

const params = z.strictObject({
  path: z.string().min(1).max(maxPathLength).describe('File to read, from the workspace folder: "src/index.ts".'),
  start_line: z.int().min(1).max(10_000_000).default(1).describe('First line to return, counted from 1.'),
  end_line: z.int().min(1).max(10_000_000).optional().describe('Last line to return. Default: the last of the file.'),
})

const output = z.object({
  path: z.string(),
  size_bytes: z.int().describe('Size of the whole file.'),
  total_lines: z.int().nullable().describe('Lines of the whole file; null when it is too large to count.'),
  start_line: z.int(),
  end_line: z.int().describe('Last line that is in text; less than start_line when text is empty.'),
  text: z.string(),
  truncated: z.boolean().describe('Whether less is in text than was asked for; notice says how to go on.'),
  notice: z.string().optional(),
})

/** Adds `read_file`: the text of one file, or some of its lines. */
export function registerReadFile(toolkit: Toolkit, folder: ConfinedFolder): void {
  toolkit.registerTool(
    {
      name: 'read_file',
      description:
        'Reads a text file of the workspace, whole or a range of lines. Returns at most 256 KiB at once and looks at no more than the first 1 MiB of a file; binary, dot and git-ignored files are refused.',
      params,
      output,
      annotations: { title: 'Read a file', ...readOnlyTool },
      tags: ['workspace', 'files'],
    },
    async ({ path, start_line: startLine, end_line: endLine }) => {
      if (endLine !== undefined && endLine < startLine) {
        throw new ToolError(`end_line ${endLine} comes before start_line ${startLine}; give them in order`)
      }
      const view = await folder.view()
      const entry = await view.locate(path)
      if (entry.type === 'folder') throw new ToolError(`${quote(path)} is a folder; use list_files to see its files`)
      const { bytes = Buffer.alloc(0), size } = await view.readFile(entry)
      if (isBinary(bytes)) {
        throw new ToolError(`${quote(entry.path)} is a binary file (${size} bytes); only text files can be read`)
      }
      const complete = size <= maxFileBytes
      const lines = toLines(toText(bytes, complete))
      if (startLine > Math.max(lines.length, 1)) throw pastEndError(entry.path, lines.length, startLine, complete)
      return {
        path: entry.path,
        size_bytes: size,
        total_lines: complete ? lines.length : null,
        start_line: startLine,
        ...selectLines(lines, startLine, endLine ?? lines.length, size),
      }
    },
  )
}

type Selection = Pick<z.infer<typeof output>, 'end_line' | 'text' | 'truncated' | 'notice'>

function selectLines(lines: readonly string[], startLine: number, endLine: number, size: number): Selection {
  const wanted = lines.slice(startLine - 1, endLine)
  const given = fitLines(wanted)
  const cutLine = given.length === 0 ? wanted[0] : undefined
  const text = cutLine === undefined ? given.join('\n') : cutToJsonBytes(cutLine, maxAnswerBytes)
  const lastLine = startLine + (cutLine === undefined ? given.length : 1) - 1
  const moreLines = lastLine < Math.min(endLine, lines.length)
  const beyond = size > maxFileBytes && endLine >= lines.length
  return {
    end_line: lastLine,
    text,
    truncated: cutLine !== undefined || moreLines || beyond,
    ...joinNotices(
      cutLine !== undefined &&
        `Line ${lastLine} is ${cutLine.length} characters long and was cut after ${text.length}.`,
      moreLines && `Cut after line ${lastLine}; go on with start_line ${lastLine + 1}.`,
      beyond && `The file has ${size} bytes; only its first ${maxFileBytes} can be read.`,
    ),
  }
}

/** As many lines as fit an answer. */
function fitLines(lines: readonly string[]): string[] {
  let left = maxAnswerBytes
  const end = lines.findIndex((line) => {
    // The quotes that jsonBytes counts are as long as the escaped line end that joins lines.
    left -= jsonBytes(line)
    return left < 0
  })
  return end === -1 ? [...lines] : lines.slice(0, end)
}

function pastEndError(path: string, lineCount: number, startLine: number, complete: boolean): ToolError {
  const known = complete ? `has ${lineCount} lines` : `has ${lineCount} lines in the 1 MiB that can be read`
  return new ToolError(`${quote(path)} ${known}; start_line ${startLine} is past that`)
}
