import { AtpError } from '@atp/core'
import { firstIssues, isJsonObject, parseJson } from '@atp/core/protocol'
import type { FastifyInstance, FastifyRequest, RouteHandlerMethod } from 'fastify'
import * as z from 'zod'
import { addBodyScope } from '../gateway/body-scope.ts'
import { goneSignal } from '../gateway/gone-signal.ts'
import { keyOf, type RouteAccess } from '../gateway/route-access.ts'
import type { ServerLimits } from '../limits.ts'
import { keyInBody } from './key-in-body.ts'
import { inboxItem, type LegacyInbox } from './legacy-inbox.ts'
import type { LegacyRegistrations } from './legacy-registrations.ts'

/** What {@link registerToolkitHttp} needs. */
export interface ToolkitHttpOptions {
  registrations: LegacyRegistrations
  inbox: LegacyInbox
  limits: ServerLimits
}

/** Results and source texts have more members than what a caller writes. */
const bodyLimits = { maxDepth: 68, maxKeys: 1_000_000 } as const

const hash = z.string().min(1).max(512)
const toolkitQuestion = z.object({ app_name: z.string().nullish(), toolkit_hash: hash })
const toolQuestion = z.object({ tool_name: z.string(), tool_hash: hash })
const inboxAnswer = z.object({ request_id: z.string().min(1).max(128), response: z.unknown() })
const exchange = z.object({ exchange_token: z.string(), function_id: z.string() })

/** The HTTP side of Python toolkits: registration with hashes, and the inbox that those without a socket look into. */
export function registerToolkitHttp(app: FastifyInstance, options: ToolkitHttpOptions): void {
  addBodyScope(
    app,
    (text) => parseJson(text, bodyLimits),
    (scope) => addRoutes(scope, options),
  )
}

function addRoutes(app: FastifyInstance, { registrations, inbox, limits }: ToolkitHttpOptions): void {
  const body = (maxBytes: number): RouteAccess => ({
    kind: 'toolkit',
    legacyKey: { in: 'body', maxBytes, read: keyInBody },
  })
  const question = body(limits.keylessBodyBytes)
  const address: RouteAccess = { kind: 'toolkit', legacyKey: { in: 'address', read: keyInAddress } }
  const add = (
    method: 'GET' | 'POST',
    path: string,
    access: RouteAccess,
    handler: RouteHandlerMethod,
    more: { bodyLimit?: number } = {},
  ): void => {
    for (const url of [path, `${path}/`]) app.route({ method, url, config: { access }, handler, ...more })
  }

  add('POST', '/api/v1/register_tool', body(limits.llmFrameBytes), async (request) => ({
    exchange_token: await registrations.register(keyOf(request), request.body),
  }))

  add('POST', '/api/v1/toolkit/verify_hash', question, async (request) => {
    const { app_name: appName, toolkit_hash } = read(toolkitQuestion, request.body)
    return { up_to_date: await registrations.knowsToolkit(keyOf(request), appName ?? undefined, toolkit_hash) }
  })

  add('POST', '/api/v1/toolkit/verify_tool_hash', question, async (request) => {
    const { tool_name, tool_hash } = read(toolQuestion, request.body)
    return { up_to_date: await registrations.knowsTool(keyOf(request), tool_name, tool_hash) }
  })

  add('GET', '/api/v1/toolkit/:key/inbox', address, async (request, reply) => {
    const leased = await inbox.take(keyOf(request), goneSignal(reply))
    return leased ? inboxItem(leased) : {}
  })

  add('GET', '/api/v1/atp/toolkit-client/:key/messages', address, async (request, reply) => {
    const leased = await inbox.take(keyOf(request), goneSignal(reply))
    return leased ? { message_type: 'atp_tool_request', payload: inboxItem(leased) } : {}
  })

  const answers = { bodyLimit: limits.toolkitFrameBytes }
  add(
    'POST',
    '/api/v1/toolkit/:key/inbox/respond',
    address,
    async (request) => {
      const answer = inboxAnswer.safeParse(request.body)
      // Anything but 2xx has the SDK post again, with an error in place of the answer.
      if (!answer.success) return { status: 'ignored' }
      const { request_id, response = null } = answer.data
      return { status: await inbox.answer(keyOf(request).toolkitId, request_id, response, sizeOf(request)) }
    },
    answers,
  )

  async function takeAnswer(request: FastifyRequest): Promise<Record<string, unknown>> {
    const { exchange_token: token, function_id: name } = read(exchange, request.body)
    // What cannot be a token is not worth a look into the store.
    const target = tokenForm.test(token) ? await registrations.takeExchange(token, name) : undefined
    if (target) {
      const { result = null } = request.body as { result?: unknown }
      return { status: await inbox.answerTool(target.toolkitId, name, result, sizeOf(request)) }
    }
    throw new AtpError('unauthorized', 'The exchange_token is unknown, used, or not for this function')
  }
  add('POST', '/api/v1/execute_function', 'open', takeAnswer, { bodyLimit: limits.keylessBodyBytes })
}

const tokenForm = /^[\w-]{43}$/

/** A body that does not say its size counts as the largest. */
function sizeOf({ headers }: FastifyRequest): number {
  return Number(headers['content-length'] ?? Number.MAX_SAFE_INTEGER)
}

/** Decoded by the router. */
function keyInAddress(request: FastifyRequest): string | undefined {
  const key = isJsonObject(request.params) ? request.params.key : undefined
  return typeof key === 'string' ? key : undefined
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AtpError('invalid_request', `The body cannot be read: ${firstIssues(parsed.error)}`)
}
