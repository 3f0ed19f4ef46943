import * as z from 'zod'
import { isUtcpError, UtcpUnknownCallTemplateTypeError, UtcpValidationError } from '../errors/utcp-error.ts'
import { shapeCheck, text, textList } from './check-shape.ts'
import { cleanSchema } from './clean-schema.ts'
import { copyJson, isObject } from './copy-json.ts'
import { joinPath } from './json-path.ts'
import { convertLegacyManual, convertLegacyTool } from './legacy.ts'
import { type Tool, type UtcpManual, type UtcpWarning, utcpVersion } from './models.ts'
import { TemplateReader } from './template-reader.ts'

/** A manual and what was wrong with it. */
export interface ReadManual {
  readonly manual: UtcpManual
  readonly warnings: readonly UtcpWarning[]
}

/** How to read a manual. */
export interface ReadManualOptions {
  /** Knows the templates and auths of a client. @default those of UTCP */
  templates?: TemplateReader
  /** The types whose tools are taken. @default all */
  callTemplateTypes?: readonly string[]
}

const manualMembers = shapeCheck({ utcp_version: z.string().optional(), manual_version: z.string().optional() })
const toolMembers = shapeCheck({
  name: text,
  description: z.string().optional(),
  inputs: z.unknown().optional(),
  outputs: z.unknown().optional(),
  tags: textList.optional(),
  average_response_size: z.number().nonnegative().optional(),
  tool_call_template: z.unknown().optional(),
})

/**
 * Reads a manual from parsed JSON: null is the same as absent, unknown members are kept, UTCP 0.x is converted, and a
 * tool that is wrong is left out with a warning while the others are read.
 * @throws UtcpValidationError `invalid_manual` when it is no manual at all
 */
export function readManual(value: unknown, options: ReadManualOptions = {}): ReadManual {
  const warnings: UtcpWarning[] = []
  const onWarning = (warning: UtcpWarning): void => void warnings.push(warning)
  if (!isObject(value)) throw new UtcpValidationError('invalid_manual', '', 'a manual must be an object')
  const { tools: list, ...rest } = value
  if (!Array.isArray(list)) {
    throw new UtcpValidationError('invalid_manual', 'tools', list === undefined ? 'is missing' : 'must be a list')
  }
  const head = copyJson(rest, '', 'invalid_manual') as Readonly<Record<string, unknown>>
  const members = manualMembers.check(convertLegacyManual(head, onWarning), '', 'invalid_manual')
  const reader = options.templates ?? new TemplateReader()
  const tools: Tool[] = []
  for (const [index, item] of list.entries()) {
    const path = joinPath('tools', index)
    try {
      tools.push(readTool(item, path, reader, options.callTemplateTypes, onWarning))
    } catch (error) {
      if (!isUtcpError(error)) throw error
      warnings.push(leftOut(error, path, item))
    }
  }
  const manual: UtcpManual = Object.freeze({
    ...members,
    utcp_version: (members.utcp_version as string | undefined) ?? utcpVersion,
    manual_version: (members.manual_version as string | undefined) ?? '1.0.0',
    tools: Object.freeze(tools),
  })
  return { manual, warnings }
}

/**
 * Reads one tool from parsed JSON.
 * @throws UtcpValidationError `invalid_manual`
 * @throws UtcpUnknownCallTemplateTypeError when its type is none of `types`
 */
export function readTool(
  value: unknown,
  path: string,
  templates: TemplateReader,
  types: readonly string[] | undefined,
  onWarning: (warning: UtcpWarning) => void,
): Tool {
  const copied = copyJson(value, path, 'invalid_manual')
  if (!isObject(copied)) throw new UtcpValidationError('invalid_manual', path, 'must be an object')
  const members = toolMembers.check(convertLegacyTool(copied, path, onWarning), path, 'invalid_manual')
  const templatePath = joinPath(path, 'tool_call_template')
  if (members.tool_call_template === undefined) {
    throw new UtcpValidationError('invalid_manual', templatePath, 'is missing')
  }
  const template = templates.readCopied(members.tool_call_template, templatePath, onWarning, 'invalid_manual')
  const type = template.call_template_type
  if (types !== undefined && !types.includes(type)) {
    throw new UtcpUnknownCallTemplateTypeError(type, types, joinPath(templatePath, 'call_template_type'))
  }
  const schema = (name: 'inputs' | 'outputs') => {
    const cleaned = members[name] === undefined ? Object.freeze({}) : cleanSchema(members[name])
    if (cleaned === undefined) {
      throw new UtcpValidationError('invalid_manual', joinPath(path, name), 'must be a JSON Schema')
    }
    return cleaned
  }
  return Object.freeze({
    ...members,
    name: members.name as string,
    description: (members.description as string | undefined) ?? '',
    inputs: schema('inputs'),
    outputs: schema('outputs'),
    tags: (members.tags as readonly string[] | undefined) ?? Object.freeze([]),
    tool_call_template: template,
  })
}

function leftOut(error: { message: string; path: string | undefined }, path: string, item: unknown): UtcpWarning {
  const name = isObject(item) && typeof item.name === 'string' ? item.name.slice(0, 200) : undefined
  return {
    path: error.path ?? path,
    message: `left out: ${error.message}`,
    ...(name === undefined ? {} : { tool: name }),
    ...(error instanceof UtcpUnknownCallTemplateTypeError ? { callTemplateType: error.callTemplateType } : {}),
  }
}
