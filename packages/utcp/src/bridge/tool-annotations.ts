import type { ToolAnnotations } from '@atp/core'
import { isObject } from '../model/copy-json.ts'
import type { CallTemplate, Tool } from '../model/models.ts'

/**
 * What a manual says of running a tool: its own `annotations` (in the words of ATP or of MCP), and what the template
 * tells. HTTP's safe methods only read, PUT and DELETE can be repeated (RFC 9110, 9.2), DELETE destroys; files and texts
 * are only read.
 */
export function annotationsOf(tool: Tool): ToolAnnotations {
  return { ...fromTemplate(tool.tool_call_template), ...fromTool(tool.annotations) }
}

function fromTemplate(template: CallTemplate): ToolAnnotations {
  switch (template.call_template_type) {
    case 'http':
    case 'streamable_http':
      return fromMethod(template.http_method)
    // A body makes it a POST.
    case 'sse':
      return template.body_field === undefined ? fromMethod('GET') : {}
    case 'text':
    case 'file':
      return { readOnly: true, idempotent: true }
    case 'graphql':
      return template.operation_type === 'mutation' ? {} : { readOnly: true, idempotent: true }
    default:
      return {}
  }
}

function fromMethod(method: unknown): ToolAnnotations {
  switch (method ?? 'GET') {
    case 'GET':
      return { readOnly: true, idempotent: true }
    case 'PUT':
      return { readOnly: false, idempotent: true }
    case 'DELETE':
      return { readOnly: false, destructive: true, idempotent: true }
    default:
      return { readOnly: false }
  }
}

function fromTool(value: unknown): ToolAnnotations {
  if (!isObject(value)) return {}
  const flag = (...names: string[]): boolean | undefined => {
    const found = names.map((name) => value[name]).find((each) => typeof each === 'boolean')
    return found as boolean | undefined
  }
  const annotations = {
    title: typeof value.title === 'string' ? value.title.slice(0, 256) : undefined,
    readOnly: flag('read_only', 'readOnly', 'readOnlyHint'),
    destructive: flag('destructive', 'destructiveHint'),
    idempotent: flag('idempotent', 'idempotentHint'),
  }
  return Object.fromEntries(Object.entries(annotations).filter(([, said]) => said !== undefined))
}
