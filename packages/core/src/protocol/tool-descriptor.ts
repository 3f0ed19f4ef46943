import * as z from 'zod'
import { AtpError } from '../errors/atp-error.ts'
import { checkToolName, namePattern } from './names.ts'
import { checkObjectSchema, checkSchema, type JsonSchema } from './schema-limits.ts'

/** Which third-party credential a tool needs, and where it goes. */
export interface ToolAuth {
  /** The platform, such as `hubspot`. */
  provider: string | null
  /** `OAuth2`, `apiKey` or another scheme's name. */
  type: string
  /** Which credential to pass: `access_token` or `api_key`. */
  with: string | null
}

/** Hints about what running a tool does. They are the author's word, not checked. */
export interface ToolAnnotations {
  title?: string | undefined
  readOnly?: boolean | undefined
  destructive?: boolean | undefined
  /** Running it twice with the same arguments is as good as once: a call may be sent to another process. */
  idempotent?: boolean | undefined
}

/** All that is known of a tool but its code: what a server stores and a provider format reads. */
export interface ToolDescriptor {
  name: string
  description: string
  inputSchema: JsonSchema
  outputSchema?: JsonSchema | undefined
  auth: ToolAuth | null
  annotations: ToolAnnotations
  /** The tool's own time limit in milliseconds. */
  timeoutMs?: number | undefined
  tags: readonly string[]
}

/** {@link ToolAnnotations} as they travel: what the author did not say is left out. */
export interface WireAnnotations {
  title?: string
  read_only?: boolean
  destructive?: boolean
  idempotent?: boolean
}

/** A tool as it travels: register frames, admin routes, `--json` output. */
export interface WireTool {
  name: string
  description: string
  params: string[]
  required_params: string[]
  auth_provider: string | null
  auth_type: string | null
  auth_with: string | null
  input_schema: JsonSchema
  output_schema?: JsonSchema | undefined
  annotations: WireAnnotations
  timeout_ms?: number | undefined
  tags: string[]
}

/** The parameter names of a tool, in the order of its schema. */
export function paramsOf(tool: { inputSchema: JsonSchema }): string[] {
  return Object.keys((tool.inputSchema.properties as object | undefined) ?? {})
}

/** The parameters a caller must give. */
export function requiredParamsOf(tool: { inputSchema: JsonSchema }): readonly string[] {
  return (tool.inputSchema.required as string[] | undefined) ?? []
}

/** Writes a descriptor in the form that travels. */
export function toWireTool(tool: ToolDescriptor): WireTool {
  return {
    name: tool.name,
    description: tool.description,
    params: paramsOf(tool),
    required_params: [...requiredParamsOf(tool)],
    auth_provider: tool.auth?.provider ?? null,
    auth_type: tool.auth?.type ?? null,
    auth_with: tool.auth?.with ?? null,
    input_schema: tool.inputSchema,
    ...(tool.outputSchema === undefined ? {} : { output_schema: tool.outputSchema }),
    annotations: toWireAnnotations(tool.annotations),
    ...(tool.timeoutMs === undefined ? {} : { timeout_ms: tool.timeoutMs }),
    tags: [...tool.tags],
  }
}

/** Writes annotations in the form that travels. */
export function toWireAnnotations({ title, readOnly, destructive, idempotent }: ToolAnnotations): WireAnnotations {
  return {
    ...(title === undefined ? {} : { title }),
    ...(readOnly === undefined ? {} : { read_only: readOnly }),
    ...(destructive === undefined ? {} : { destructive }),
    ...(idempotent === undefined ? {} : { idempotent }),
  }
}

const nullableText = z.string().max(256).nullish()
const annotationMembers = {
  title: z.string().max(256).nullish(),
  read_only: z.boolean().nullish(),
  destructive: z.boolean().nullish(),
  idempotent: z.boolean().nullish(),
}
const wireAnnotations = z.object(annotationMembers)
const wireTool = z.object({
  name: z.string().regex(namePattern),
  description: z.string().max(16_384).default(''),
  auth_provider: nullableText,
  auth_type: nullableText,
  auth_with: nullableText,
  input_schema: z.record(z.string(), z.unknown()),
  output_schema: z.record(z.string(), z.unknown()).nullish(),
  annotations: wireAnnotations.nullish(),
  timeout_ms: z.int().positive().nullish(),
  tags: z.array(z.string().max(128)).max(64).nullish(),
})

/**
 * Reads a tool that a peer sent, checking its name and schemas. `params` and `required_params` are not read: the
 * schema says the same.
 * @throws AtpError `invalid_name`, `invalid_schema` or `invalid_request`
 */
export function fromWireTool(value: unknown): ToolDescriptor {
  const name = (value as { name?: unknown } | null | undefined)?.name
  checkToolName(name)
  const parsed = wireTool.safeParse(value)
  if (!parsed.success) throw new AtpError('invalid_request', `Tool "${name}": ${firstIssues(parsed.error)}`)
  const tool = parsed.data
  checkObjectSchema(tool.input_schema, `Tool "${name}": input schema`)
  if (tool.output_schema) checkSchema(tool.output_schema, `Tool "${name}": output schema`)
  return {
    name,
    description: tool.description,
    inputSchema: tool.input_schema,
    ...(tool.output_schema ? { outputSchema: tool.output_schema } : {}),
    auth: tool.auth_type
      ? { provider: tool.auth_provider ?? null, type: tool.auth_type, with: tool.auth_with ?? null }
      : null,
    annotations: readAnnotations(tool.annotations ?? {}),
    ...(tool.timeout_ms == null ? {} : { timeoutMs: tool.timeout_ms }),
    tags: tool.tags ?? [],
  }
}

/** Reads annotations, each beside the name of its tool. */
export const namedAnnotations: z.ZodType<(ToolAnnotations & { tool: string })[]> = z.array(
  z
    .object({ tool: z.string(), ...annotationMembers })
    .transform(({ tool, ...wire }) => ({ tool, ...readAnnotations(wire) })),
)

function readAnnotations(wire: z.infer<typeof wireAnnotations>): ToolAnnotations {
  return {
    ...(wire.title == null ? {} : { title: wire.title }),
    ...(wire.read_only == null ? {} : { readOnly: wire.read_only }),
    ...(wire.destructive == null ? {} : { destructive: wire.destructive }),
    ...(wire.idempotent == null ? {} : { idempotent: wire.idempotent }),
  }
}

/** The first three problems zod found, as one line: `params.city: expected string; …`. */
export function firstIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => (issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message))
    .join('; ')
}
