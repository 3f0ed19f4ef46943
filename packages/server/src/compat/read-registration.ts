import { AtpError, type ToolDescriptor } from '@atp/core'
import { firstIssues, fromWireTool, isAppName } from '@atp/core/protocol'
import * as z from 'zod'

/** One `register_tool` of the Python SDK. */
export interface ReadRegistration {
  appName: string
  tool: ToolDescriptor
  /** Opaque; empty when it is missing. */
  codeHash: string
  /** Opaque; generation 1 has none. */
  toolkitHash: string | null
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined)
const hash = z
  .string()
  .max(512)
  .nullish()
  .transform((value) => value || null)
const names = z
  .array(z.string().min(1))
  .nullish()
  .transform((value) => value ?? [])

// What else is in the body is dropped: sample_response, and above all source_code.
const body = z.object({
  function_id: z.string(),
  app_name: z.string().refine(isAppName, 'must be 1 to 128 characters without control characters'),
  code_hash: hash,
  toolkit_hash: hash,
  metadata: z
    .object({
      params: names,
      required_params: names,
      description: text,
      auth_provider: text,
      auth_type: text,
      auth_with: text,
    })
    .nullish(),
})

/**
 * Reads the body of `register_tool`. A Python tool knows the names of its parameters only, so each is described as text;
 * the token is no parameter.
 * @throws AtpError `invalid_request`, `invalid_name` or `invalid_schema`
 */
export function readRegistration(value: unknown): ReadRegistration {
  const parsed = body.safeParse(value)
  if (!parsed.success) throw new AtpError('invalid_request', `The body cannot be read: ${firstIssues(parsed.error)}`)
  const { function_id: name, app_name: appName, code_hash, toolkit_hash: toolkitHash, metadata } = parsed.data
  const required = withoutToken(metadata?.required_params ?? [])
  // A name that is required is a parameter, listed as one or not: the model has to be told of it.
  const params = withoutToken([...(metadata?.params ?? []), ...required])
  const tool = fromWireTool({
    name,
    description: metadata?.description ?? '',
    auth_provider: metadata?.auth_provider,
    auth_type: metadata?.auth_type,
    auth_with: metadata?.auth_with,
    input_schema: {
      type: 'object',
      properties: Object.fromEntries(params.map((param) => [param, { type: 'string', description: param }])),
      required,
    },
  })
  return { appName, tool, codeHash: code_hash ?? '', toolkitHash }
}

function withoutToken(list: readonly string[]): string[] {
  return [...new Set(list)].filter((param) => param !== 'auth_token')
}
