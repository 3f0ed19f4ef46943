import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { toUtcpError } from '../errors/to-utcp-error.ts'
import { copyJson } from '../model/copy-json.ts'
import type { CallTemplate, Tool, UtcpManual } from '../model/models.ts'
import { type Change, rememberedChanges, sumChanges } from './change-log.ts'
import { nameOf } from './in-memory-repository.ts'
import type { ConcurrentToolRepository, ToolChanges } from './tool-repository.ts'

/** Where a {@link SqliteToolRepository} keeps its manuals. */
export interface SqliteToolRepositoryOptions {
  /** A path; the folder must be there. `:memory:` keeps nothing. */
  readonly file: string
  /** How long to wait for another process that writes, in milliseconds. @default 5_000 */
  readonly busyTimeoutMs?: number
}

const schema = `
CREATE TABLE IF NOT EXISTS manuals (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  template TEXT NOT NULL,
  head TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS tools (
  name TEXT PRIMARY KEY,
  manual TEXT NOT NULL REFERENCES manuals (name) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  tool TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS tools_by_manual ON tools (manual, position);
CREATE TABLE IF NOT EXISTS changes (
  revision INTEGER PRIMARY KEY AUTOINCREMENT,
  manual TEXT NOT NULL,
  tool TEXT
) STRICT;
`

/** Bump it when the tables change: files of other versions are refused, not guessed at. */
const schemaVersion = 1

/** How many tools are kept as objects. */
const maxParsed = 1_000

/**
 * Keeps manuals in a file of SQLite. Several processes may use one file: each change is one transaction, and indexes
 * see changes of other processes by their revision. Templates are stored as configured, without values of variables.
 * Needs Node 22.13 or newer.
 */
export class SqliteToolRepository implements ConcurrentToolRepository {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  /** Tools that were asked for by name. */
  readonly #parsed = new Map<string, { readonly text: string; readonly tool: Tool }>()
  #closed = false

  /** @throws UtcpError `repository_failed` */
  constructor({ file, busyTimeoutMs = 5_000 }: SqliteToolRepositoryOptions) {
    this.#database = attempt(`Opening ${file}`, () => {
      // Templates may have credentials written out: a new file is for its owner only.
      if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600))
      return new DatabaseSync(file)
    })
    try {
      attempt(`Opening ${file}`, () => {
        this.#database.exec(`PRAGMA busy_timeout = ${Math.trunc(busyTimeoutMs)}`)
        this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
        this.#transaction(() => this.#prepareTables())
      })
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  async saveManual(manualCallTemplate: CallTemplate, manual: UtcpManual): Promise<void> {
    const name = nameOf(manualCallTemplate)
    const { tools, ...head } = manual
    attempt('Saving a manual', () =>
      this.#transaction(() => {
        this.#run('DELETE FROM manuals WHERE name = ?', name)
        const values = [name, JSON.stringify(manualCallTemplate), JSON.stringify(head)]
        this.#run('INSERT INTO manuals (name, template, head) VALUES (?, ?, ?)', ...values)
        for (const [position, tool] of tools.entries()) {
          this.#run(
            'INSERT OR REPLACE INTO tools (name, manual, position, tool) VALUES (?, ?, ?, ?)',
            ...[tool.name, name, position, JSON.stringify(tool)],
          )
        }
        this.#changed({ manual: name })
      }),
    )
  }

  async removeManual(manualName: string): Promise<boolean> {
    return attempt('Removing a manual', () =>
      this.#transaction(() => {
        if (this.#run('DELETE FROM manuals WHERE name = ?', manualName) === 0) return false
        this.#changed({ manual: manualName })
        return true
      }),
    )
  }

  async removeTool(toolName: string): Promise<boolean> {
    return attempt('Removing a tool', () =>
      this.#transaction(() => {
        const [manual] = this.#column('SELECT manual FROM tools WHERE name = ?', toolName)
        if (manual === undefined) return false
        this.#run('DELETE FROM tools WHERE name = ?', toolName)
        this.#changed({ manual, tool: toolName })
        return true
      }),
    )
  }

  async getTool(toolName: string): Promise<Tool | undefined> {
    return attempt('Reading a tool', () => {
      const [text] = this.#column('SELECT tool FROM tools WHERE name = ?', toolName)
      return text === undefined ? undefined : this.#read(toolName, text)
    })
  }

  async getTools(): Promise<readonly Tool[]> {
    return attempt('Reading tools', () =>
      this.#column(
        'SELECT tool FROM tools JOIN manuals ON manuals.name = tools.manual ORDER BY manuals.position, tools.position',
      ).map((text) => JSON.parse(text) as Tool),
    )
  }

  async getToolsByManual(manualName: string): Promise<readonly Tool[] | undefined> {
    return (await this.getManual(manualName))?.tools
  }

  async getManual(manualName: string): Promise<UtcpManual | undefined> {
    return attempt('Reading a manual', () => this.#transaction(() => this.#manual(manualName), 'BEGIN'))
  }

  async getManuals(): Promise<readonly UtcpManual[]> {
    return attempt('Reading manuals', () =>
      this.#transaction(() => {
        const names = this.#column('SELECT name FROM manuals ORDER BY position')
        return names.flatMap((name) => this.#manual(name) ?? [])
      }, 'BEGIN'),
    )
  }

  async getManualCallTemplate(manualName: string): Promise<CallTemplate | undefined> {
    return attempt('Reading a call template', () => {
      const [text] = this.#column('SELECT template FROM manuals WHERE name = ?', manualName)
      return text === undefined ? undefined : (JSON.parse(text) as CallTemplate)
    })
  }

  async getManualCallTemplates(): Promise<readonly CallTemplate[]> {
    return attempt('Reading call templates', () =>
      this.#column('SELECT template FROM manuals ORDER BY position').map((text) => JSON.parse(text) as CallTemplate),
    )
  }

  async getChanges(since?: number): Promise<ToolChanges> {
    return attempt('Reading changes', () =>
      this.#transaction(() => {
        const [range] = this.#rows('SELECT max(revision) AS newest, min(revision) AS oldest FROM changes')
        const newest = Number(range?.newest ?? 0)
        const oldest = Number(range?.oldest ?? 1)
        if (since === newest) return { revision: newest, manuals: [], removedTools: [] }
        if (since === undefined || since > newest || since < oldest - 1) {
          return { revision: newest, manuals: undefined, removedTools: [] }
        }
        const rows = this.#rows('SELECT manual, tool FROM changes WHERE revision > ? ORDER BY revision', since)
        const changes = rows.map(({ manual, tool }): Change => ({ manual: manual as string, tool: textOf(tool) }))
        return sumChanges(newest, changes)
      }, 'BEGIN'),
    )
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#statements.clear()
    this.#database.close()
  }

  /** The same text gives the same object, so that what is made of its schemas can be found again. */
  #read(name: string, text: string): Tool {
    const known = this.#parsed.get(name)
    if (known?.text === text) return known.tool
    const tool = copyJson(JSON.parse(text), '', 'invalid_manual') as Tool
    this.#parsed.delete(name)
    this.#parsed.set(name, { text, tool })
    const [oldest] = this.#parsed.keys()
    if (this.#parsed.size > maxParsed && oldest !== undefined) this.#parsed.delete(oldest)
    return tool
  }

  #manual(name: string): UtcpManual | undefined {
    const [head] = this.#column('SELECT head FROM manuals WHERE name = ?', name)
    if (head === undefined) return undefined
    const tools = this.#column('SELECT tool FROM tools WHERE manual = ? ORDER BY position', name)
    return { ...(JSON.parse(head) as UtcpManual), tools: tools.map((text) => JSON.parse(text) as Tool) }
  }

  #prepareTables(): void {
    const [row] = this.#rows('PRAGMA user_version')
    const version = Number(row?.user_version ?? 0)
    if (version !== 0 && version !== schemaVersion) {
      throw new Error(`it was written by another version of this package (${version}, not ${schemaVersion})`)
    }
    this.#database.exec(schema)
    this.#database.exec(`PRAGMA user_version = ${schemaVersion}`)
  }

  #changed({ manual, tool }: Change): void {
    this.#run('INSERT INTO changes (manual, tool) VALUES (?, ?)', manual, tool ?? null)
    this.#run('DELETE FROM changes WHERE revision <= (SELECT max(revision) FROM changes) - ?', rememberedChanges)
  }

  #transaction<T>(work: () => T, begin: 'BEGIN' | 'BEGIN IMMEDIATE' = 'BEGIN IMMEDIATE'): T {
    this.#database.exec(begin)
    try {
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      this.#rollback()
      throw error
    }
  }

  #rollback(): void {
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      // SQLite has ended some failed transactions itself.
    }
  }

  #run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }

  #rows(sql: string, ...values: (string | number)[]): Record<string, unknown>[] {
    return this.#statement(sql).all(...values)
  }

  /** The first column of all rows, where it is text. */
  #column(sql: string, ...values: (string | number)[]): string[] {
    return this.#rows(sql, ...values).map((row) => textOf(Object.values(row)[0]) ?? '')
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const made = this.#database.prepare(sql)
    this.#statements.set(sql, made)
    return made
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toUtcpError(error, 'repository_failed', `${what} failed`)
  }
}
