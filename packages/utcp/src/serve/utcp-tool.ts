import type { JsonSchema, ToolDefinition } from '@atp/core'
import { compileSchema } from '@atp/core/protocol'
import { UtcpValidationError } from '../errors/utcp-error.ts'
import { isObject } from '../model/copy-json.ts'
import type { CreateManualOptions, ToolInput, UtcpToolSource } from '../model/create-manual.ts'
import type { Auth } from '../model/models.ts'

/** A JSON Schema, a zod object, or any Standard Schema that gives JSON Schema. */
type SchemaInput = NonNullable<ToolDefinition['output']>

/** What a route is as a tool. */
export interface UtcpToolOptions {
  readonly name: string
  /** What it does and when to use it, for a model. */
  readonly description?: string
  readonly tags?: readonly string[]
  /**
   * The arguments: those named in `path` go there, `body` (or what `bodyField` names) is the body, those of `headerFields`
   * are headers, all others are a query. Arguments in `path` that it does not mention are texts. @default none
   */
  readonly inputs?: SchemaInput
  /** The schema of the answer. */
  readonly outputs?: SchemaInput
  /** @default 'GET' */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'
  /** The route's path below the `baseUrl` of the manual, with arguments as `:name` or `{name}`. */
  readonly path?: string
  /** Instead of `path`: the whole URL, with arguments as `{name}`. */
  readonly url?: string
  /** What a client has to send to prove who it is. */
  readonly auth?: Auth
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>>
  /** @default 'body' */
  readonly bodyField?: string
  readonly headerFields?: readonly string[]
  /** Of the body. @default 'application/json' */
  readonly contentType?: string
  /** How large an answer commonly is, in bytes. */
  readonly averageResponseSize?: number
}

/** A handler that says what tool it is. */
export type UtcpHandler<Handler> = Handler & UtcpToolSource

/**
 * Describes a route's handler as a tool and returns the same handler, for any framework: Express, Fastify, Hono, a method
 * of a Nest controller. `createManual([handler, …], { baseUrl })` makes the manual of all that are described.
 * @throws UtcpValidationError `invalid_manual` for a handler that is described already, and for a path that is no plain one
 * @throws AtpError `invalid_schema`
 */
export function utcpTool<Handler extends (...args: never[]) => unknown>(
  options: UtcpToolOptions,
  handler: Handler,
): UtcpHandler<Handler> {
  const tool = toToolInput(options)
  if ('toUtcpTool' in handler) {
    throw refuse(options, 'handler', 'is described already; a second route needs a handler of its own')
  }
  const toUtcpTool = ({ baseUrl }: CreateManualOptions): ToolInput => {
    const { path, url } = options
    if (url !== undefined) return tool(url)
    if (baseUrl === undefined) throw refuse(options, 'baseUrl', 'is missing: say where the routes are')
    return tool(joinUrl(baseUrl, pathTemplate(options, path ?? '')))
  }
  // Of the function itself, not of one around it: frameworks look at a handler's length, name and metadata.
  Object.defineProperty(handler, 'toUtcpTool', { value: toUtcpTool })
  return handler as UtcpHandler<Handler>
}

/** Reads all but the address, once and early: a mistake shows when the server starts. */
function toToolInput(options: UtcpToolOptions): (url: string) => ToolInput {
  const { path, url, method = 'GET', auth, headers, bodyField, headerFields, contentType } = options
  if ((path === undefined) === (url === undefined)) throw refuse(options, 'path', 'give a path or a url')
  const inputs = withPathArguments(
    schemaOf(options, 'inputs', 'input') ?? { type: 'object', properties: {} },
    argumentsOf(url ?? pathTemplate(options, path ?? '')),
  )
  const outputs = schemaOf(options, 'outputs', 'output') ?? {}
  const { name, description = '', tags = [], averageResponseSize } = options
  return (address) => ({
    ...{ name, description, tags, inputs, outputs },
    ...(averageResponseSize === undefined ? {} : { average_response_size: averageResponseSize }),
    tool_call_template: {
      call_template_type: 'http',
      url: address,
      http_method: method,
      ...(contentType === undefined ? {} : { content_type: contentType }),
      ...(headers === undefined ? {} : { headers }),
      ...(bodyField === undefined ? {} : { body_field: bodyField }),
      ...(headerFields === undefined ? {} : { header_fields: headerFields }),
      ...(auth === undefined ? {} : { auth }),
    },
  })
}

function schemaOf(
  options: UtcpToolOptions,
  member: 'inputs' | 'outputs',
  io: 'input' | 'output',
): JsonSchema | undefined {
  const schema = options[member]
  return schema === undefined ? undefined : compileSchema(schema, io, `Tool "${options.name}": ${member}`).jsonSchema
}

/** Writes the arguments of a route's path as UTCP does. */
function pathTemplate(options: UtcpToolOptions, path: string): string {
  const written = path.replaceAll(/:(\w+)/g, '{$1}')
  if (/^[^*?#()\s:]*$/.test(written) && !/\{(?!\w+\})|(?<!\{\w+)\}/.test(written)) return written
  throw refuse(options, 'path', `${JSON.stringify(path.slice(0, 200))} is more than names and arguments: give the url`)
}

function argumentsOf(template: string): string[] {
  return [...template.matchAll(/(?<!\$)\{(\w+)\}/g)].map(([, name = '']) => name)
}

function withPathArguments(schema: JsonSchema, names: readonly string[]): JsonSchema {
  if (names.length === 0) return schema
  const properties = isObject(schema.properties) ? schema.properties : {}
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : []
  const missing = names.filter((name) => !Object.hasOwn(properties, name)).map((name) => [name, { type: 'string' }])
  return {
    ...schema,
    properties: { ...properties, ...Object.fromEntries(missing) },
    required: [...new Set([...required, ...names])],
  }
}

function joinUrl(baseUrl: string, path: string): string {
  return `${baseUrl.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
}

function refuse({ name }: UtcpToolOptions, member: string, problem: string): UtcpValidationError {
  return new UtcpValidationError('invalid_manual', member, `${problem} (tool "${name}")`)
}
