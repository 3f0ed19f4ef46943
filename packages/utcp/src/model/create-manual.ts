import type { ToolkitSource } from '@atp/core'
import { toRegistry, toUtcpManual } from '@atp/core/http'
import { UtcpValidationError } from '../errors/utcp-error.ts'
import { joinPath } from './json-path.ts'
import { type CallTemplate, type Tool, type UtcpManual, utcpVersion } from './models.ts'
import { readManual, readTool } from './read-manual.ts'
import { TemplateReader } from './template-reader.ts'
import { writeManual } from './write-manual.ts'

/** A tool as its author writes it: a name, a template, and what there is to say. */
export type ToolInput = Partial<Tool> & { readonly name: string; readonly tool_call_template: CallTemplate }

/** Something that can say what tool it is, such as a wrapped handler that knows its own route. */
export interface UtcpToolSource {
  toUtcpTool(options: CreateManualOptions): ToolInput
}

/** What a manual is made with. */
export interface CreateManualOptions {
  /** Where the routes of toolkits are reached, without a slash at the end, such as `https://example.com/api`. */
  readonly baseUrl?: string
  /** @default '1.0.0' */
  readonly manualVersion?: string
  /** Whether running a toolkit's tool needs a key, which clients then fill in for `${ATP_API_KEY}`. @default true */
  readonly closed?: boolean
}

/**
 * Makes a manual to serve: of toolkits, whose tools are called at their routes below `baseUrl`, or of tools written by
 * hand. Strict readers take it.
 * @throws UtcpError `invalid_manual` that names the member of the tool that is wrong
 * @throws AtpError `invalid_config` for what is no toolkit
 */
export function createManual(
  source: ToolkitSource | readonly (ToolInput | UtcpToolSource)[],
  options: CreateManualOptions = {},
): UtcpManual {
  if (isToolList(source)) return writeManual(manualOfTools(source, options)).manual
  const { baseUrl, closed = true, manualVersion: version = '1.0.0' } = options
  if (baseUrl === undefined) {
    throw new UtcpValidationError('invalid_manual', 'baseUrl', 'is missing: say where the routes of the toolkits are')
  }
  const manual: unknown = toUtcpManual(toRegistry(source), { baseUrl, version, closed })
  return writeManual(readManual(manual).manual).manual
}

function isToolList(source: object): source is readonly (ToolInput | UtcpToolSource)[] {
  return Array.isArray(source) && source.every((each: object) => 'tool_call_template' in each || 'toUtcpTool' in each)
}

function manualOfTools(source: readonly (ToolInput | UtcpToolSource)[], options: CreateManualOptions): UtcpManual {
  const reader = new TemplateReader()
  const names = new Set<string>()
  const tools = source.map((each, index) => {
    const path = joinPath('tools', index)
    const input = 'toUtcpTool' in each && typeof each.toUtcpTool === 'function' ? each.toUtcpTool(options) : each
    const tool = readTool(input, path, reader, undefined, () => {})
    if (names.has(tool.name)) {
      throw new UtcpValidationError('invalid_manual', joinPath(path, 'name'), `another tool is called "${tool.name}"`)
    }
    names.add(tool.name)
    return tool
  })
  return { utcp_version: utcpVersion, manual_version: options.manualVersion ?? '1.0.0', tools }
}
