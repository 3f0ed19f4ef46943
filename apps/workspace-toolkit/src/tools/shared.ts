import type { ToolAnnotations } from '@atp/core'
import * as z from 'zod'
import type { FolderView } from '../confined-folder.ts'
import { maxPathLength } from '../confinement/relative-path.ts'

/** What all tools of this toolkit promise. */
export const readOnlyTool: ToolAnnotations = { readOnly: true, destructive: false, idempotent: true }

/** A path that may be left out for the whole workspace. */
export const pathParam: z.ZodDefault<z.ZodString> = z.string().max(maxPathLength).default('')

/** Says that something is missing in an answer because folders could not be read. */
export function unreadableNotice({ unreadableFolders }: FolderView): { notice?: string } {
  if (unreadableFolders === 0) return {}
  return { notice: `${unreadableFolders} folder(s) could not be read and are missing here.` }
}

/** One notice of several sentences; undefined ones are left out. */
export function joinNotices(...sentences: (string | false | undefined)[]): { notice?: string } {
  const given = sentences.filter((sentence) => typeof sentence === 'string')
  return given.length === 0 ? {} : { notice: given.join(' ') }
}
