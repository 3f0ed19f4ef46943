import { realpathSync, statSync } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { AtpError, isAtpError, ToolError } from '@atp/core'
import { IgnoreRules } from './confinement/ignore-rules.ts'
import { isInside } from './confinement/inside.ts'
import { fileId, openVerified, readStart } from './confinement/open-file.ts'
import { hiddenPathError, isUnlistedName, parseRelativePath } from './confinement/relative-path.ts'
import { findExcludesFile } from './git/find-excludes-file.ts'
import { quote } from './text/quote.ts'

/** The most that is read of one file, in bytes. */
export const maxFileBytes = 1_048_576

/** The deepest folder that a walk enters, counted from the workspace folder. */
const maxDepth = 64

/**
 * A file or folder that may be used. Only a {@link FolderView} makes one, after all checks; so what takes an entry
 * cannot be given a path that nobody checked.
 */
class Entry {
  /** Real path from the workspace folder, written with slashes; `''` for the folder itself. */
  readonly path: string
  readonly type: 'file' | 'folder'
  readonly #absolutePath: string

  constructor(path: string, type: 'file' | 'folder', absolutePath: string) {
    this.path = path
    this.type = type
    this.#absolutePath = absolutePath
  }

  /** For this module. */
  static absolutePath(entry: Entry): string {
    return entry.#absolutePath
  }
}

export type { Entry as FolderEntry }

/** What was read of a file. */
export interface FileContent {
  /** At most {@link maxFileBytes} from the start; undefined when only a whole file was wanted and this one is larger. */
  bytes: Buffer | undefined
  /** The file's full size in bytes. */
  size: number
  /** When it was last changed, in milliseconds. */
  modifiedMs: number
}

/** How a folder is walked. */
export interface WalkOptions {
  signal: AbortSignal
  /** How many levels below the start are listed. @default 64 */
  depth?: number
  /** Leaves out all that comes up to and with this path, which need not be there. */
  after?: string | undefined
}

/**
 * The one way to the files of a workspace. Nothing outside the folder, no dot file, no git-ignored file and nothing in
 * a hidden path is ever listed or read, whatever path is asked for. A hard link counts as the file it is.
 */
export class ConfinedFolder {
  /** The folder's real path. */
  readonly root: string
  readonly #hidden: readonly string[]
  #excludesFile: Promise<string | undefined> | undefined

  /**
   * @param hidden paths of files and folders never listed or read; they need not exist yet.
   * @throws AtpError `invalid_config` when there is no such folder
   */
  constructor(folder: string, hidden: readonly string[] = []) {
    this.root = realFolder(folder)
    this.#hidden = hidden.map((path) => resolve(path))
  }

  /** The folder as it is now. Rules are read once for a view: make one for each call of a tool. */
  async view(): Promise<FolderView> {
    this.#excludesFile ??= findExcludesFile(this.root)
    const rules = await IgnoreRules.load(this.root, await this.#excludesFile)
    return new FolderView(this.root, rules, await findHidden(this.root, this.#hidden))
  }
}

/** What is hidden, by name for lists and by identity for all that is opened: other names may lead there too. */
interface HiddenPaths {
  names: ReadonlySet<string>
  ids: ReadonlySet<string>
}

/** A {@link ConfinedFolder} during one call. */
export class FolderView {
  /** How many folders a walk could not read, so far. */
  unreadableFolders = 0
  readonly #root: string
  readonly #rules: IgnoreRules
  readonly #hidden: HiddenPaths

  constructor(root: string, rules: IgnoreRules, hidden: HiddenPaths) {
    this.#root = root
    this.#rules = rules
    this.#hidden = hidden
  }

  /**
   * Finds what is at a caller's path. Symlinks are followed as long as they end at something that may be used.
   * @throws ToolError when there is nothing, or nothing that may be used
   */
  async locate(path: string): Promise<Entry> {
    const entry = await this.#find(path)
    if (entry) return entry
    throw new ToolError(`There is no ${quote(path)} in the workspace; list_files shows what is there`)
  }

  /**
   * Checks a path that only names something, such as a file of an old commit. Returns it in its plain form.
   * @throws ToolError when it may not be used
   */
  async checkName(path: string): Promise<string> {
    const entry = await this.#find(path)
    return entry ? entry.path : parseRelativePath(path).join('/')
  }

  /**
   * Reads a file.
   * @param wholeOnly whether a file larger than {@link maxFileBytes} is left unread.
   * @throws ToolError when it cannot be read
   */
  async readFile(entry: Entry, wholeOnly = false): Promise<FileContent> {
    const file = await openVerified(Entry.absolutePath(entry)).catch((error: unknown) => {
      throw readError(error, entry.path)
    })
    try {
      if (this.#hidden.ids.has(fileId(file.stats))) throw hiddenPathError(entry.path)
      const size = Number(file.stats.size)
      const bytes = wholeOnly && size > maxFileBytes ? undefined : await readStart(file, maxFileBytes)
      return { bytes, size, modifiedMs: Number(file.stats.mtimeMs) }
    } finally {
      await file.handle.close()
    }
  }

  /** The size of a file in bytes; undefined when it is gone. */
  async sizeOf(entry: Entry): Promise<number | undefined> {
    const stats = await lstat(Entry.absolutePath(entry)).catch(() => undefined)
    return stats?.isFile() ? stats.size : undefined
  }

  /**
   * Lists what is below a folder, every folder before its content, names in code unit order. Symlinks and special
   * files are left out, and what cannot be read is counted in {@link unreadableFolders}.
   */
  async *walk(start: Entry, { signal, depth = maxDepth, after }: WalkOptions): AsyncGenerator<Entry, void, void> {
    const startLevel = partsOf(start.path).length
    const deepest = Math.min(startLevel + depth, maxDepth)
    const afterParts = after === undefined ? undefined : partsOf(after)
    const open = (await this.#children(start, signal)).toReversed()
    for (let entry = open.pop(); entry; entry = open.pop()) {
      signal.throwIfAborted()
      const parts = partsOf(entry.path)
      const isAfter = afterParts === undefined || compareParts(parts, afterParts) > 0
      if (isAfter) yield entry
      const mayHoldLater = isAfter || parts.every((part, index) => part === afterParts?.[index])
      if (entry.type === 'file' || parts.length >= deepest || !mayHoldLater) continue
      for (const child of (await this.#children(entry, signal)).toReversed()) open.push(child)
    }
  }

  async #find(path: string): Promise<Entry | undefined> {
    const parts = parseRelativePath(path)
    const named = parts.join('/')
    // By name first: the answer must not tell whether an ignored file exists.
    if (await this.#isIgnored(named, false)) throw hiddenPathError(path)
    try {
      const real = await realpath(join(this.#root, ...parts))
      if (!isInside(this.#root, real)) {
        throw new ToolError(`${quote(path)} is a link that leaves the workspace folder; it is not followed`)
      }
      return await this.#check(real, path)
    } catch (error) {
      return missing(error, path)
    }
  }

  /** The same rules again for where a path really ends. */
  async #check(real: string, shown: string): Promise<Entry> {
    const parts = real
      .slice(this.#root.length)
      .split(sep)
      .filter((part) => part !== '')
    const path = parts.join('/')
    const stats = await lstat(real)
    const isIgnored = await this.#isIgnored(path, stats.isDirectory())
    if (parts.some(isUnlistedName) || isIgnored || (await this.#isHidden(parts))) throw hiddenPathError(shown)
    if (!stats.isFile() && !stats.isDirectory()) {
      throw new ToolError(`${quote(shown)} is neither a regular file nor a folder, so it cannot be used`)
    }
    return new Entry(path, stats.isFile() ? 'file' : 'folder', real)
  }

  async #isIgnored(path: string, isFolder: boolean): Promise<boolean> {
    return path !== '' && (await this.#rules.isIgnored(path, isFolder))
  }

  async #isHidden(parts: readonly string[]): Promise<boolean> {
    if (this.#hidden.ids.size === 0) return false
    const prefixes = [this.#root, ...parts.map((_, index) => join(this.#root, ...parts.slice(0, index + 1)))]
    const ids = await Promise.all(prefixes.map(idOf))
    return ids.some((id) => id !== undefined && this.#hidden.ids.has(id))
  }

  async #children(folder: Entry, signal: AbortSignal): Promise<Entry[]> {
    signal.throwIfAborted()
    const absolutePath = Entry.absolutePath(folder)
    let found: Entry[]
    try {
      if (this.#hidden.ids.has(fileId(await stat(absolutePath, { bigint: true })))) return []
      const names = await readdir(absolutePath, { withFileTypes: true })
      // A folder that was replaced by a link after it was found shows names from elsewhere.
      if ((await realpath(absolutePath)) !== absolutePath) return []
      found = names.flatMap((name) => {
        const type = name.isFile() ? 'file' : name.isDirectory() ? 'folder' : undefined
        if (type === undefined || isUnlistedName(name.name)) return []
        const childPath = join(absolutePath, name.name)
        if (this.#hidden.names.has(childPath)) return []
        return [new Entry(folder.path === '' ? name.name : `${folder.path}/${name.name}`, type, childPath)]
      })
    } catch {
      this.unreadableFolders += 1
      return []
    }
    const ignored = await Promise.all(found.map((entry) => this.#rules.isIgnored(entry.path, entry.type === 'folder')))
    return found.filter((_, index) => !ignored[index]).sort((a, b) => (a.path < b.path ? -1 : 1))
  }
}

function realFolder(folder: string): string {
  try {
    const real = realpathSync.native(folder)
    if (statSync(real).isDirectory()) return real
  } catch (error) {
    throw new AtpError('invalid_config', `The workspace folder ${quote(folder)} does not exist or cannot be opened`, {
      cause: error,
    })
  }
  throw new AtpError('invalid_config', `The workspace folder ${quote(folder)} is not a folder`)
}

async function findHidden(root: string, paths: readonly string[]): Promise<HiddenPaths> {
  const names = await Promise.all(paths.map((path) => realpath(path).catch(() => path)))
  const around = names.some((name) => isInside(name, root))
  const ids = await Promise.all((around ? [root, ...names] : names).map(idOf))
  return { names: new Set(names), ids: new Set(ids.filter((id) => id !== undefined)) }
}

async function idOf(path: string): Promise<string | undefined> {
  try {
    return fileId(await stat(path, { bigint: true }))
  } catch {
    return undefined
  }
}

function partsOf(path: string): string[] {
  return path === '' ? [] : path.split('/')
}

/** The order of a walk: part by part, a folder before what is in it. */
function compareParts(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index]
    if (other === undefined) return 1
    if (part !== other) return part < other ? -1 : 1
  }
  return a.length - b.length
}

function missing(error: unknown, path: string): undefined {
  const { code } = error as { code?: unknown }
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw readError(error, path)
}

function readError(error: unknown, path: string): unknown {
  if (isAtpError(error)) {
    return error
  }
  const { code } = error as { code?: unknown }
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new ToolError(`${quote(path)} may not be read: the toolkit has no permission`, { cause: error })
    case 'ELOOP':
      return new ToolError(`${quote(path)} is a link that leads to itself or was just replaced`, { cause: error })
    case 'ENOENT':
      return new ToolError(`${quote(path)} was removed while it was being opened`, { cause: error })
    default:
      return new ToolError(`${quote(path)} cannot be read (${String(code)})`, { cause: error })
  }
}
