import type { Toolkit } from '@atp/core'
import { ConfinedFolder } from './confined-folder.ts'
import { registerFileStats } from './tools/file-stats.ts'
import { registerGitLog } from './tools/git-log.ts'
import { registerHelloWorld } from './tools/hello-world.ts'
import { registerListFiles } from './tools/list-files.ts'
import { registerReadFile } from './tools/read-file.ts'
import { registerSearchText } from './tools/search-text.ts'
import { registerWhoami } from './tools/whoami.ts'

/** Which files the workspace tools may use. */
export interface WorkspaceOptions {
  /** The folder that all tools are confined to. */
  folder: string
  /** Paths of files and folders in it that are never listed or read, such as a server's data folder. */
  hidden?: readonly string[] | undefined
}

/**
 * Adds tools over one folder: `list_files`, `read_file`, `search_text`, `git_log`, `file_stats`, and the small
 * `hello_world` and `whoami`. They only read.
 * @throws AtpError `invalid_config` when there is no such folder; what `registerTool` throws
 */
export function registerWorkspaceTools(toolkit: Toolkit, options: WorkspaceOptions): void {
  const folder = new ConfinedFolder(options.folder, options.hidden)
  registerListFiles(toolkit, folder)
  registerReadFile(toolkit, folder)
  registerSearchText(toolkit, folder)
  registerGitLog(toolkit, folder)
  registerFileStats(toolkit, folder)
  registerHelloWorld(toolkit)
  registerWhoami(toolkit)
}
