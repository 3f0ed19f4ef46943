import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isObject } from '../python-json.ts'
import type { FoundingCalls } from './founding-calls.ts'
import { contextPayload } from './founding-context.ts'
import type { FoundingToolkits } from './founding-delivery.ts'
import { type FoundingState, isUpToDate, storeTool } from './founding-state.ts'
import { storeRoute } from './founding-store.ts'

/** What the routes work with. */
export interface FoundingParts {
  state: FoundingState
  calls: FoundingCalls
  toolkits: FoundingToolkits
  /** How long a poll of an empty inbox is held, in milliseconds. */
  inboxHoldMs: number
}

/** A request as the routes see it. */
export interface FoundingRequestBody {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: unknown
}

/** An answer; `events` go out as a stream. */
export interface FoundingAnswer {
  status: number
  json: unknown
  events?: boolean
}

type Route = (parts: FoundingParts, request: FoundingRequestBody, key: string) => Promise<FoundingAnswer>

const refused: FoundingAnswer = { status: 401, json: { error: 'The API key is wrong' } }

/** Routes that need a toolkit key, which stands in the path or in the body. */
const toolkitRoutes: readonly [string, RegExp, Route][] = [
  ['POST', /^\/api\/v1\/register_tool$/, register],
  ['POST', /^\/api\/v1\/toolkit\/verify_hash$/, verifyHash],
  ['POST', /^\/api\/v1\/toolkit\/verify_tool_hash$/, verifyToolHash],
  ['GET', /^\/api\/v1\/toolkit\/([^/]+)\/inbox$/, inbox],
  ['POST', /^\/api\/v1\/toolkit\/([^/]+)\/inbox\/respond$/, respond],
  ['GET', /^\/api\/v1\/atp\/toolkit-client\/([^/]+)\/messages\/$/, messages],
]

/** Answers one request; every path but the founding ones is 404. */
export async function answerFounding(parts: FoundingParts, request: FoundingRequestBody): Promise<FoundingAnswer> {
  const { method, path, headers, body } = request
  for (const [wanted, pattern, route] of toolkitRoutes) {
    const match = pattern.exec(path)
    if (match === null || method !== wanted) continue
    const key = match[1] === undefined ? memberOf(body, 'api_key') : decodeURIComponent(match[1])
    return parts.state.isToolkitKey(key) ? route(parts, request, String(key)) : refused
  }
  if (method === 'POST' && path === '/api/v1/execute_function') return execute(parts, body)
  const prefix = '/api/v1/atp/llm-client/'
  if (!path.startsWith(prefix)) return { status: 404, json: { error: 'Not found' } }
  const key = /^(?:ApiKey|Bearer) (.+)$/.exec(headers.authorization ?? '')?.[1] ?? memberOf(body, 'api_key')
  if (!parts.state.isLlmKey(key)) return refused
  if (method === 'POST' && path === `${prefix}process/`) return process(parts, body, headers.accept)
  return storeRoute(parts.state, method, path.slice(prefix.length), request.query)
}

async function register({ state }: FoundingParts, { body }: FoundingRequestBody, key: string): Promise<FoundingAnswer> {
  const { function_id, app_name, code_hash, toolkit_hash, metadata } = body as Record<string, unknown>
  if (typeof function_id !== 'string' || typeof app_name !== 'string' || !isObject(metadata)) {
    return { status: 400, json: { error: 'The registration cannot be read' } }
  }
  const toolkit = state.ensureToolkit(key, app_name)
  const tool = {
    name: function_id,
    codeHash: String(code_hash),
    params: textsOf(metadata.params),
    requiredParams: textsOf(metadata.required_params),
    description: String(metadata.description ?? ''),
    authType: typeof metadata.auth_type === 'string' ? metadata.auth_type : null,
  }
  storeTool(toolkit, tool, toolkit_hash)
  const token = randomUUID()
  state.exchanges.set(token, toolkit)
  return { status: 200, json: { exchange_token: token } }
}

async function verifyHash(
  { state }: FoundingParts,
  { body }: FoundingRequestBody,
  key: string,
): Promise<FoundingAnswer> {
  const toolkit = state.toolkitOf(key)
  const known = toolkit !== undefined && isUpToDate(toolkit, memberOf(body, 'toolkit_hash'))
  return { status: 200, json: { up_to_date: known } }
}

async function verifyToolHash(
  { state }: FoundingParts,
  { body }: FoundingRequestBody,
  key: string,
): Promise<FoundingAnswer> {
  const tool = state.toolkitOf(key)?.tools.get(String(memberOf(body, 'tool_name')))
  return { status: 200, json: { up_to_date: tool !== undefined && tool.codeHash === memberOf(body, 'tool_hash') } }
}

async function inbox(parts: FoundingParts, _request: FoundingRequestBody, key: string): Promise<FoundingAnswer> {
  const toolkit = parts.state.toolkitOf(key)
  const item = toolkit && (await parts.toolkits.poll(toolkit, parts.inboxHoldMs))
  return { status: 200, json: item ?? {} }
}

async function messages(parts: FoundingParts, request: FoundingRequestBody, key: string): Promise<FoundingAnswer> {
  const { json } = await inbox(parts, request, key)
  const empty = Object.keys(json as object).length === 0
  return { status: 200, json: empty ? {} : { message_type: 'atp_tool_request', payload: json } }
}

async function respond({ calls }: FoundingParts, { body }: FoundingRequestBody): Promise<FoundingAnswer> {
  calls.answer(memberOf(body, 'request_id'), memberOf(body, 'response'))
  return { status: 200, json: { status: 'ok' } }
}

function execute({ state, calls }: FoundingParts, body: unknown): FoundingAnswer {
  const token = String(memberOf(body, 'exchange_token'))
  const toolkit = state.exchanges.get(token)
  if (toolkit === undefined) return refused
  state.exchanges.delete(token)
  calls.answerOldest(toolkit, memberOf(body, 'function_id'), memberOf(body, 'result'))
  return { status: 200, json: { status: 'ok' } }
}

async function process(
  { state, calls }: FoundingParts,
  body: unknown,
  accept: string | undefined,
): Promise<FoundingAnswer> {
  if (!isObject(body)) return { status: 400, json: { error: 'The message cannot be read' } }
  const events = accept?.includes('text/event-stream') ?? false
  if (body.type === 'task_request') return { status: 200, json: await calls.serve(body), events }
  if (body.type !== 'get_toolkit_context') return { status: 400, json: { error: 'The message has an unknown type' } }
  const { known, payload } = contextPayload(state, body)
  if (!known) return { status: 404, json: { error: payload.error } }
  return { status: 200, json: { type: 'toolkit_context', request_id: body.request_id, payload }, events }
}

function memberOf(body: unknown, name: string): unknown {
  return isObject(body) ? body[name] : undefined
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
