import { lstat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { excludeFileOf, readRuleFile } from './rule-files.ts'

/** The rules of one file, for all that is below its folder. */
interface Level {
  /** The folder's path from the top, with a slash at its end; `''` for the top. */
  base: string
  rules: Ignore
}

/** What is known of one folder. */
interface FolderRules {
  ignored: boolean
  /** Weakest first. */
  levels: readonly Level[]
}

/**
 * What git ignores in a folder: the user's own excludes file, `.git/info/exclude` and every `.gitignore` from the top
 * of the repository down. Goes by rules alone, so a file that is tracked although a rule ignores it counts as
 * ignored, and it errs on that side where rules of several files contradict each other. Rule files are read once:
 * make a new one for each call of a tool.
 */
export class IgnoreRules {
  readonly #root: string
  /** The folder that git's rules start from. */
  readonly #top: string
  /** The folder's path from the top, as in {@link Level.base}. */
  readonly #prefix: string
  readonly #ignoreCase: boolean
  readonly #folders = new Map<string, Promise<FolderRules>>()

  /** @param excludesFile the user's own rules for all repositories. */
  static async load(root: string, excludesFile?: string): Promise<IgnoreRules> {
    const ignoreCase = await ignoresCase(root)
    const rules = new IgnoreRules(root, (await findRepositoryRoot(root)) ?? root, ignoreCase)
    if (!(await rules.#loadRoot(excludesFile)).ignored) return rules
    // Whoever opens an ignored folder as workspace means it: then rules from above do not count.
    const ownRules = new IgnoreRules(root, root, ignoreCase)
    await ownRules.#loadRoot(excludesFile)
    return ownRules
  }

  private constructor(root: string, top: string, ignoreCase: boolean) {
    const above = relative(top, root)
    this.#root = root
    this.#top = top
    this.#prefix = above === '' ? '' : `${above.split(sep).join('/')}/`
    this.#ignoreCase = ignoreCase
  }

  /** Whether git ignores what is at a path from the folder, written with slashes and without any `.` or `..`. */
  async isIgnored(path: string, isFolder: boolean): Promise<boolean> {
    const parent = await this.#folder(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')
    return parent.ignored || matches(parent.levels, `${this.#prefix}${path}${isFolder ? '/' : ''}`)
  }

  #folder(path: string): Promise<FolderRules> {
    const known = this.#folders.get(path)
    if (known !== undefined) return known
    const loading = this.#loadFolder(path)
    this.#folders.set(path, loading)
    return loading
  }

  async #loadFolder(path: string): Promise<FolderRules> {
    const parent = await this.#folder(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')
    return this.#below(parent, `${this.#prefix}${path}/`, join(this.#root, path))
  }

  async #loadRoot(excludesFile: string | undefined): Promise<FolderRules> {
    const text = excludesFile === undefined ? undefined : await readRuleFile(excludesFile)
    const users: FolderRules = { ignored: false, levels: text === undefined ? [] : [this.#level('', text)] }
    let folder = await this.#below(users, '', this.#top)
    let base = ''
    for (const part of this.#prefix.split('/').slice(0, -1)) {
      base += `${part}/`
      folder = await this.#below(folder, base, join(this.#top, base))
    }
    this.#folders.set('', Promise.resolve(folder))
    return folder
  }

  /** Adds a folder's own rule files to those of its parent. What is ignored is not looked into. */
  async #below(parent: FolderRules, base: string, path: string): Promise<FolderRules> {
    if (parent.ignored || (base !== '' && matches(parent.levels, base))) return { ignored: true, levels: [] }
    const exclude = await excludeFileOf(path)
    const texts = [exclude && (await readRuleFile(exclude)), await readRuleFile(join(path, '.gitignore'))]
    const own = texts.flatMap((text) => (text === undefined ? [] : [this.#level(base, text)]))
    return { ignored: false, levels: own.length === 0 ? parent.levels : [...parent.levels, ...own] }
  }

  #level(base: string, text: string): Level {
    const rules = ignore({ ignorecase: this.#ignoreCase })
    return { base, rules: rules.add(text) }
  }
}

/** The strongest level that says something decides. */
function matches(levels: readonly Level[], path: string): boolean {
  for (const { base, rules } of levels.toReversed()) {
    const { ignored, unignored } = rules.test(path.slice(base.length))
    if (ignored || unignored) return ignored
  }
  return false
}

/** The top of the git repository that a folder belongs to; undefined when it belongs to none. */
export async function findRepositoryRoot(folder: string): Promise<string | undefined> {
  for (let current = folder; ; current = dirname(current)) {
    if (await exists(join(current, '.git'))) return current
    if (dirname(current) === current) return undefined
  }
}

/** Whether the file system takes `README` and `readme` for one name; then git compares rules that way too. */
async function ignoresCase(folder: string): Promise<boolean> {
  const name = basename(folder)
  const swapped = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
  if (swapped === name) return process.platform !== 'linux'
  const [own, other] = await Promise.all([folder, join(dirname(folder), swapped)].map((path) => inode(path)))
  return own !== undefined && own === other
}

async function inode(path: string): Promise<bigint | undefined> {
  try {
    return (await lstat(path, { bigint: true })).ino
  } catch {
    return undefined
  }
}

async function exists(path: string): Promise<boolean> {
  return (await inode(path)) !== undefined
}
