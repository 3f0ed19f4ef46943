import { AtpError } from '../errors/atp-error.ts'
import { checkToolName } from '../protocol/names.ts'
import { checkObjectSchema, type JsonSchema } from '../protocol/schema-limits.ts'
import {
  fromWireTool,
  paramsOf,
  requiredParamsOf,
  type ToolAuth,
  type ToolDescriptor,
  toWireTool,
} from '../protocol/tool-descriptor.ts'
import { type CompiledSchema, compileSchema } from './json-schema.ts'
import type { HandlerOf, ParamsForm, Tool, ToolDefinition } from './tool.ts'

/** The longest a tool may run, whatever it or its caller asks for, in milliseconds. */
export const maxTimeoutMs = 600_000

/** Credentials never travel as parameters: a model would see and invent them. */
const refusedParams = new Set(['access_token', 'api_key'])

/**
 * Makes a runnable tool of a definition and its handler, checking all that can be known before the first call.
 * @throws AtpError `invalid_name`, `invalid_schema` or `invalid_request`
 */
export function defineTool<
  const Params extends ParamsForm = undefined,
  const Required extends readonly string[] = readonly never[],
>(definition: ToolDefinition<Params, Required>, handler: HandlerOf<Params, Required>): Tool {
  const name = readName(definition)
  if (typeof handler !== 'function') {
    throw new AtpError('invalid_request', `Tool "${name}" needs a handler function as second argument`)
  }
  checkDescription(name, definition.description)
  const input = readParams(name, definition)
  checkParamNames(name, input.schema, input.founding)
  const output =
    definition.output === undefined
      ? undefined
      : compileSchema(definition.output, 'output', `Tool "${name}": output schema`)
  const descriptor: ToolDescriptor = {
    name,
    description: definition.description,
    inputSchema: input.schema,
    ...(output === undefined ? {} : { outputSchema: output.jsonSchema }),
    auth: readAuth(name, definition),
    annotations: { ...definition.annotations },
    ...readTimeout(name, definition.timeoutMs),
    tags: readTags(name, definition.tags ?? []),
  }
  // Whatever is accepted here, a server accepts as well.
  fromWireTool(toWireTool(descriptor))
  return {
    ...descriptor,
    handler: handler as Tool['handler'],
    tokenInArgs: input.founding,
    validateInput: input.validate,
    validateOutput: output?.validate,
  }
}

function readName({ name, functionName }: ToolDefinition): string {
  const chosen = name ?? functionName
  checkToolName(chosen)
  if (functionName === undefined || functionName === chosen) return chosen
  throw new AtpError('invalid_request', `Tool "${chosen}" is also called "${functionName}": give name or functionName`)
}

function checkDescription(name: string, description: unknown): void {
  if (typeof description === 'string' && description.length <= 16_384) return
  throw new AtpError('invalid_request', `Tool "${name}" needs a description: a text of at most 16,384 characters`)
}

interface ReadParams {
  schema: JsonSchema
  validate: CompiledSchema['validate'] | undefined
  founding: boolean
}

function readParams(name: string, definition: ToolDefinition): ReadParams {
  const { params, requiredParams } = definition
  if (params === undefined && requiredParams === undefined) {
    return { schema: { type: 'object', properties: {} }, validate: undefined, founding: isFoundingForm(definition) }
  }
  if (params === undefined || Array.isArray(params)) {
    return { schema: foundingSchema(name, params ?? [], requiredParams ?? []), validate: undefined, founding: true }
  }
  if (requiredParams !== undefined) {
    throw new AtpError(
      'invalid_request',
      `Tool "${name}": requiredParams belongs to a list of parameter names; a schema says itself what is required`,
    )
  }
  const what = `Tool "${name}": input schema`
  const { jsonSchema, validate } = compileSchema(params, 'input', what)
  checkObjectSchema(jsonSchema, what)
  return { schema: jsonSchema, validate, founding: false }
}

/** A tool without parameters is of the founding form when it is written with founding names. */
function isFoundingForm(definition: ToolDefinition): boolean {
  return definition.functionName !== undefined || definition.authType !== undefined
}

/** Names say nothing of types: the model is told "string", and any JSON value is let through. */
function foundingSchema(name: string, params: readonly unknown[], required: readonly unknown[]): JsonSchema {
  for (const param of [...params, ...required]) {
    if (typeof param !== 'string' || param === '') {
      throw new AtpError('invalid_schema', `Tool "${name}": parameter names must be non-empty texts`)
    }
  }
  const names = params.filter((param) => param !== 'auth_token') as string[]
  const requiredNames = required.filter((param) => param !== 'auth_token') as string[]
  const unknown = requiredNames.filter((param) => !names.includes(param))
  if (unknown.length > 0) {
    throw new AtpError('invalid_schema', `Tool "${name}": required but not in params: ${unknown.join(', ')}`)
  }
  const properties = new Map(names.map((param) => [param, { type: 'string', description: param }]))
  const schema = { type: 'object', properties: Object.fromEntries(properties), required: [...new Set(requiredNames)] }
  checkObjectSchema(schema, `Tool "${name}": params`)
  return schema
}

function checkParamNames(name: string, schema: JsonSchema, founding: boolean): void {
  for (const param of [...paramsOf({ inputSchema: schema }), ...requiredParamsOf({ inputSchema: schema })]) {
    if (refusedParams.has(param) || (param === 'auth_token' && !founding)) {
      throw new AtpError(
        'invalid_schema',
        `Tool "${name}": "${param}" must not be declared as a parameter; declare auth and read context.authToken`,
      )
    }
  }
}

function readAuth(name: string, definition: ToolDefinition): ToolAuth | null {
  const { auth, authProvider, authType, authWith } = definition
  if (auth != null && (authProvider != null || authType != null || authWith != null)) {
    throw new AtpError('invalid_request', `Tool "${name}": give auth or authProvider/authType/authWith, not both`)
  }
  if (auth != null && typeof auth !== 'object') {
    throw new AtpError('invalid_request', `Tool "${name}": auth must be an object such as { type: "OAuth2", provider }`)
  }
  // An empty text says no more than null does.
  const type = auth?.type || authType
  const provider = auth?.provider || authProvider || null
  const credential = auth?.with || authWith || null
  if (!type) {
    if (auth == null && provider === null && credential === null) return null
    throw new AtpError('invalid_request', `Tool "${name}": auth needs a type, such as "OAuth2" or "apiKey"`)
  }
  return { provider, type, with: credential }
}

function readTags(name: string, tags: unknown): string[] {
  if (Array.isArray(tags)) return [...tags]
  throw new AtpError('invalid_request', `Tool "${name}": tags must be a list of texts`)
}

function readTimeout(name: string, timeoutMs: number | undefined): { timeoutMs?: number } {
  if (timeoutMs === undefined) return {}
  if (Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return { timeoutMs }
  throw new AtpError(
    'invalid_request',
    `Tool "${name}": timeoutMs must be a whole number of milliseconds from 1 to ${maxTimeoutMs}`,
  )
}
