import type { JsonSchema } from '../protocol/schema-limits.ts'
import { requiredParamsOf } from '../protocol/tool-descriptor.ts'
import type { ToolkitRegistry } from '../registry/toolkit-registry.ts'
import type { Tool } from '../tool/tool.ts'
import { rebaseSchema } from './rebase-schema.ts'
import { reachableToolkits, routePath } from './routes.ts'
import { type ManualOptions, toWord, uniqueName } from './utcp-manual.ts'

/** What an OpenAPI document needs to know of its mount. */
export interface OpenApiOptions extends ManualOptions {
  /** @default the names of the toolkits */
  title?: string | undefined
}

type Json = Record<string, unknown>

/** Describes the routes of toolkits as an OpenAPI 3.1 document. */
export function toOpenApiDocument(registry: ToolkitRegistry, options: OpenApiOptions): Json {
  const { baseUrl, version = '1.0.0', closed = true } = options
  const names = [...reachableToolkits(registry)].map(([name]) => name)
  const writer = new DocumentWriter(closed)
  for (const [name, toolkit] of reachableToolkits(registry))
    writer.addToolkit(name, [...toolkit.registeredTools.values()])
  return {
    openapi: '3.1.0',
    info: { title: options.title ?? (names.join(', ') || 'Tools'), version },
    servers: [{ url: baseUrl }],
    paths: {
      '/atp/': { get: listing('list_toolkits', 'The toolkits that are mounted here') },
      ...writer.paths,
    },
    components: {
      schemas: { AtpError: errorSchema, ...writer.schemas },
      ...(closed ? { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  }
}

class DocumentWriter {
  readonly paths: Record<string, Json> = {}
  readonly schemas: Record<string, JsonSchema> = {}
  readonly #closed: boolean
  readonly #operations = new Set(['list_toolkits'])
  readonly #schemaNames = new Set(['AtpError'])

  constructor(closed: boolean) {
    this.#closed = closed
  }

  addToolkit(name: string, tools: readonly Tool[]): void {
    const path = routePath(name)
    this.paths[path] = { get: listing(this.#operation(`describe_${name}`), `The tools of toolkit ${name}`, name) }
    for (const tool of tools) this.paths[routePath(name, tool.name)] = this.#toolPath(name, tool)
  }

  #toolPath(toolkit: string, tool: Tool): Json {
    return {
      get: listing(
        this.#operation(`describe_${toolkit}_${tool.name}`),
        `The description of tool ${tool.name}`,
        toolkit,
      ),
      post: {
        operationId: this.#operation(`${toolkit}_${tool.name}`),
        ...(tool.annotations.title === undefined ? {} : { summary: tool.annotations.title }),
        description: tool.description,
        tags: [toolkit, ...tool.tags],
        ...(this.#closed ? { security: [{ key: [] }] } : {}),
        ...(tool.auth === null ? {} : { parameters: [tokenHeader(tool.auth.provider)] }),
        requestBody: {
          required: requiredParamsOf(tool).length > 0,
          content: { 'application/json': { schema: this.#schema(`${toolkit}.${tool.name}.input`, tool.inputSchema) } },
        },
        responses: this.#responses(toolkit, tool),
      },
    }
  }

  #responses(toolkit: string, tool: Tool): Json {
    const result =
      tool.outputSchema === undefined ? {} : this.#schema(`${toolkit}.${tool.name}.output`, tool.outputSchema)
    return {
      200: {
        description: 'What the tool returned',
        content: {
          'application/json': { schema: { type: 'object', properties: { result }, required: ['result'] } },
          // With "Accept: text/event-stream": the events chunk, progress, result and error.
          'text/event-stream': { schema: { type: 'string' } },
        },
      },
      400: failure('The arguments or the token are not right, or the tool failed'),
      ...(this.#closed ? { 401: failure('The key is missing or not valid') } : {}),
      429: failure('Too many calls run already'),
      504: failure('The tool did not answer in time'),
      default: failure('The call failed'),
    }
  }

  /** Component names allow fewer characters than toolkit names. */
  #schema(name: string, schema: JsonSchema): { $ref: string } {
    const unique = uniqueName(name.replace(/[^\w.-]/g, '_'), this.#schemaNames)
    this.schemas[unique] = rebaseSchema(schema, `/components/schemas/${unique}`)
    return { $ref: `#/components/schemas/${unique}` }
  }

  #operation(name: string): string {
    return uniqueName(toWord(name), this.#operations)
  }
}

function listing(operationId: string, description: string, tag?: string): Json {
  return {
    operationId,
    description,
    ...(tag === undefined ? {} : { tags: [tag] }),
    responses: {
      200: { description: 'The description', content: { 'application/json': { schema: { type: 'object' } } } },
      default: failure('The request failed'),
    },
  }
}

function tokenHeader(provider: string | null): Json {
  return {
    name: 'X-ATP-Auth-Token',
    in: 'header',
    required: true,
    description: `The end user's own token${provider === null ? '' : ` of ${provider}`}`,
    schema: { type: 'string' },
  }
}

function failure(description: string): Json {
  return { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/AtpError' } } } }
}

const errorSchema: JsonSchema = {
  type: 'object',
  properties: {
    error: { type: 'string', description: 'What happened, to what, and what to do' },
    code: { type: 'string' },
    request_id: { type: 'string' },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed when sent again' },
    details: { type: 'object' },
  },
  required: ['error', 'code', 'request_id', 'retryable'],
}
