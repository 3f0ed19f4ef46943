import { ToolError, type Toolkit } from '@atp/core'
import * as z from 'zod'
import type { ConfinedFolder, FolderEntry, FolderView } from '../confined-folder.ts'
import { compileGlob, globHelp } from '../text/glob.ts'
import { jsonBytes, maxAnswerBytes } from '../text/json-size.ts'
import { quote } from '../text/quote.ts'
import { pathParam, readOnlyTool, unreadableNotice } from './shared.ts'

const params = z.strictObject({
  path: pathParam.describe('Folder to list, from the workspace folder, such as "src". Default: the whole workspace.'),
  pattern: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(`Lists only files that match, on all levels unless depth is given. ${globHelp}`),
  depth: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('How many levels of folders to list, 1 to 64. Default: 1, or all when pattern is given.'),
  limit: z.int().min(1).max(1_000).default(200).describe('Most entries to return, 1 to 1000.'),
  cursor: z
    .string()
    .max(8_192)
    .optional()
    .describe('The next_cursor of the previous answer, to go on after it. Keep the other arguments the same.'),
})

const output = z.object({
  entries: z.array(
    z.object({
      path: z.string(),
      type: z.enum(['file', 'folder']),
      size_bytes: z.int().optional(),
    }),
  ),
  next_cursor: z.string().optional().describe('Given when there are more entries.'),
  notice: z.string().optional(),
})

/** Adds `list_files`: what is in the workspace, page by page. */
export function registerListFiles(toolkit: Toolkit, folder: ConfinedFolder): void {
  toolkit.registerTool(
    {
      name: 'list_files',
      description:
        'Lists files and folders of the workspace by path from its root, in alphabetical order. Dot files, git-ignored files and symbolic links are left out. Use it first to learn which files there are.',
      params,
      output,
      annotations: { title: 'List files', ...readOnlyTool },
      tags: ['workspace', 'files'],
    },
    async ({ path, pattern, depth, limit, cursor }, { signal }) => {
      const matches = pattern === undefined ? undefined : compileGlob(pattern)
      const after = cursor === undefined ? undefined : readCursor(cursor)
      const view = await folder.view()
      const start = await view.locate(path)
      if (start.type === 'file') throw new ToolError(`${quote(start.path)} is a file, not a folder; use read_file`)
      const levels = depth ?? (matches ? 64 : 1)
      const entries: ListedEntry[] = []
      let bytes = 0
      for await (const entry of view.walk(start, { signal, depth: levels, after })) {
        if (matches && (entry.type === 'folder' || !matches(entry.path))) continue
        const listed = await describe(view, entry)
        bytes += jsonBytes(listed)
        const last = entries.at(-1)
        // One entry too many shows that there is a next page.
        if (last && (entries.length >= limit || bytes > maxAnswerBytes)) {
          return { entries, next_cursor: toCursor(last.path), ...unreadableNotice(view) }
        }
        entries.push(listed)
      }
      return { entries, ...unreadableNotice(view) }
    },
  )
}

type ListedEntry = z.infer<typeof output>['entries'][number]

async function describe(view: FolderView, entry: FolderEntry): Promise<ListedEntry> {
  const { path, type } = entry
  const size = type === 'file' ? await view.sizeOf(entry) : undefined
  return size === undefined ? { path, type } : { path, type, size_bytes: size }
}

/** The last path of a page is all that the next one needs, so nothing is kept between calls. */
function toCursor(path: string): string {
  return Buffer.from(path).toString('base64url')
}

function readCursor(cursor: string): string {
  const path = Buffer.from(cursor, 'base64url').toString()
  if (path !== '' && toCursor(path) === cursor) return path
  throw new ToolError('cursor is not one that list_files gave; leave it out to start from the first entry')
}
