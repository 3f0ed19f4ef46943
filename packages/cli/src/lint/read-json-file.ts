import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { isAtpError } from '@atp/core'
import { firstIssues, parseJson } from '@atp/core/protocol'
import * as z from 'zod'
import { UsageError } from '../exit-errors.ts'
import { readText } from '../params.ts'
import { type LintedToolkit, lintedTools } from './linted-toolkit.ts'

const document = z.union([
  lintedTools.transform((tools) => ({ tools, name: undefined })),
  z.object({ tools: lintedTools, name: z.string().min(1).optional() }),
])

/**
 * Reads a list of tools, or an object with one under `tools`: what `atp tools list --json` prints, an answer to MCP's
 * `tools/list`, a UTCP manual. The toolkit is named after the file unless it says its `name`.
 * @throws UsageError
 */
export async function readJsonFile(file: string): Promise<LintedToolkit> {
  const value = await readJson(file)
  const shape = Array.isArray(value) ? document.options[0] : document.options[1]
  const read = shape.safeParse(value)
  if (!read.success) {
    throw new UsageError(
      `${file} holds no list of tools as "atp tools list --json" prints it: ${firstIssues(read.error)}`,
    )
  }
  const { tools, name = basename(file) } = read.data
  return { name, tools, connects: false }
}

async function readJson(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readText(createReadStream(file), file)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`Cannot read ${file}: ${(error as Error).message}`)
  }
  try {
    return parseJson(text)
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${isAtpError(error) ? error.message : String(error)}`)
  }
}
