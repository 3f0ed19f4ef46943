import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { AtpError } from '@atp/core'
import { firstIssues } from '@atp/core/protocol'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { UsageError } from '../exit-errors.ts'
import { baseFolder, type ConnectionFlags, readConnection } from '../settings.ts'
import { type LintedToolkit, lintedTools } from './linted-toolkit.ts'
import { loadModule } from './load-module.ts'
import { readJsonFile } from './read-json-file.ts'

/** Where toolkits are read from. */
export interface ToolkitPlace extends ConnectionFlags {
  /** A file, or the name, slug or id of a toolkit on the server; undefined for all toolkits on it. */
  target: string | undefined
  /** How long loading a module may take. */
  timeoutMs: number
}

/**
 * Reads the toolkits to check. What ends like a module or a JSON file is a file, all else the name of a toolkit.
 * @throws UsageError when a file is none with toolkits; AtpError what the server refused with, or `connection_failed`
 */
export async function readToolkits(place: ToolkitPlace, io: CliIo): Promise<LintedToolkit[]> {
  const { target, timeoutMs } = place
  if (target === undefined || !isFileName(target)) return readFromServer(place, io)
  const file = resolve(baseFolder(io), target)
  if (!existsSync(file) || !statSync(file).isFile()) throw new UsageError(`There is no file ${file}`)
  return /\.json$/i.test(file) ? [await readJsonFile(file)] : loadModule(file, timeoutMs, io)
}

function isFileName(target: string): boolean {
  if (/\.([cm]?[jt]s|json)$/i.test(target)) return true
  if (!/^\.{0,2}[/\\]/.test(target)) return false
  throw new UsageError(`"${target}" is no file that lint reads: .ts, .mts, .cts, .js, .mjs, .cjs or .json`)
}

async function readFromServer(place: ToolkitPlace, io: CliIo): Promise<LintedToolkit[]> {
  const client = createAdminClient(await readConnection(place, io, 'admin'))
  const { target } = place
  const wanted = target === undefined ? (await client.toolkits()).toolkits : [{ id: target, name: target }]
  if (wanted.length === 0) {
    throw new UsageError('The server has no toolkits to check: connect one, or name a file that exports one')
  }
  const found: LintedToolkit[] = []
  for (const { id, name } of wanted) {
    const read = lintedTools.safeParse((await client.tools(id)).tools)
    if (!read.success) {
      throw new AtpError('protocol_error', `The tools of "${name}" cannot be read: ${firstIssues(read.error)}`)
    }
    found.push({ name, tools: read.data, connects: false })
  }
  return found
}
