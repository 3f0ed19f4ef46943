import type { ZodType } from 'zod'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import {
  acceptedResponse,
  type ContextRequestBody,
  contextResponse,
  type TaskRequestBody,
  taskResponse,
} from '../protocol/http-bodies.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import { HttpCallFollower } from './http-call-follower.ts'
import { type HttpRequest, requestJson } from './http-request.ts'
import { inProvidersForm } from './legacy/founding-tools.ts'
import type { DoorCall, LlmDoor } from './llm-door.ts'
import { peerError } from './session.ts'
import type { StoredCalls } from './stored-calls.ts'

interface HttpLlmDoorOptions {
  /** `http://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  fetch: typeof fetch
  calls: StoredCalls
  backoff: BackoffOptions
}

const contextTimeoutMs = 30_000
const probeTimeoutMs = 10_000
const graceMs = 5_000
/** Our servers then say more than founding ones: warnings, typed errors. */
const accept = 'application/vnd.atp+json, application/json'

/** One HTTP request for each question, on the route that older clients use too. */
export function createHttpLlmDoor({ baseUrl, apiKey, fetch, calls, backoff }: HttpLlmDoorOptions): LlmDoor {
  const url = `${baseUrl}/api/v1/atp/llm-client/process/`
  let closing = new AbortController()
  /** Calls that are followed, until the server knows of those that were given up. */
  const following = new Set<Promise<unknown>>()

  async function post<T>(request: HttpRequest, schema: ZodType<T>): Promise<T> {
    const parsed = schema.safeParse(await requestJson(request))
    if (parsed.success) return parsed.data
    throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${firstIssues(parsed.error)}`)
  }

  function toRequest(
    body: ContextRequestBody | TaskRequestBody,
    more: Pick<HttpRequest, 'timeoutMs' | 'signal' | 'headers'>,
  ): HttpRequest {
    return {
      url,
      apiKey,
      body: encode(body),
      accept,
      closed: closing.signal,
      missing: 'toolkit_not_found',
      fetch,
      ...more,
    }
  }

  function toCallRequest(call: DoorCall, detach?: true): HttpRequest {
    const { toolkitId, tool, params, provider, userPrompt, authToken, timeoutMs, signal, idempotencyKey } = call
    const body: TaskRequestBody = {
      type: 'task_request',
      request_id: crypto.randomUUID(),
      toolkit_id: toolkitId,
      payload: { function: tool, parameters: params, auth_token: authToken },
      provider,
      user_prompt: userPrompt,
      timeout_ms: timeoutMs,
      idempotency_key: idempotencyKey,
      external_user_id: call.externalUserId,
      detach,
      app: call.app && { session_id: call.app.sessionId, event: call.app.event, data: call.app.data },
      _meta: call.meta,
    }
    return toRequest(body, {
      timeoutMs: (timeoutMs ?? maxTimeoutMs) + graceMs,
      signal,
      headers: keyHeader(idempotencyKey),
    })
  }

  function follow(
    request: HttpRequest,
    watcher: NonNullable<DoorCall['watcher']>,
  ): ReturnType<HttpCallFollower['run']> {
    const follower = new HttpCallFollower({ request, calls, watcher, backoff })
    const outcome = follower.run()
    const ended: Promise<unknown> = outcome
      .catch((error: unknown) => follower.cancel(error))
      .finally(() => following.delete(ended))
    following.add(ended)
    return outcome
  }

  return {
    async context({ toolkitId, provider, userPrompt, signal }) {
      const body: ContextRequestBody = {
        type: 'get_toolkit_context',
        request_id: crypto.randomUUID(),
        toolkit_id: toolkitId,
        provider,
        user_prompt: userPrompt,
      }
      const context = await post(toRequest(body, { timeoutMs: contextTimeoutMs, signal }), contextResponse)
      return { ...context, tools: inProvidersForm(context.tools, provider) }
    },
    async call(call) {
      const request = toCallRequest(call)
      const outcome = call.watcher ? await follow(request, call.watcher) : (await post(request, taskResponse)).outcome
      if (!outcome.ok) throw peerError(outcome.error)
      return outcome.result
    },
    async detach(call) {
      const answer = await post(toCallRequest(call, true), acceptedResponse.or(taskResponse))
      if (typeof answer === 'string') return answer
      if (!answer.outcome.ok && answer.outcome.error.code !== 'tool_error') throw peerError(answer.outcome.error)
      throw new AtpError('unsupported', `Tool "${call.tool}": the server ran the call instead of storing it`)
    },
    async keepsKeys(signal) {
      try {
        const question = { url: calls.urlOf(crypto.randomUUID()), apiKey, signal, closed: closing.signal, fetch }
        await requestJson({ ...question, timeoutMs: probeTimeoutMs, missing: 'unsupported' })
      } catch (error) {
        // Our servers say with a code that there is no such call; founding ones that there is no such address.
        if (isAtpError(error) && error.code === 'not_found') return true
        if (isAtpError(error) && error.code !== 'unsupported' && error.code !== 'protocol_error') throw error
      }
      return false
    },
    async close() {
      closing.abort()
      closing = new AbortController()
      await Promise.all(following)
    },
  }
}

/**
 * The key as draft-ietf-httpapi-idempotency-key-header wants it, a string of RFC 9651. One that has no such form travels
 * in the body only, which is where our servers look for it first.
 */
function keyHeader(key: string | undefined): Record<string, string> {
  if (key === undefined || /[^ -~]/.test(key)) return {}
  return { 'idempotency-key': `"${key.replace(/["\\]/g, '\\$&')}"` }
}

/** @throws AtpError `invalid_params` when what the caller gave has no JSON form */
function encode(body: ContextRequestBody | TaskRequestBody): string {
  try {
    return JSON.stringify(body)
  } catch (error) {
    const what = 'payload' in body ? `Tool "${body.payload.function}"` : 'The request'
    throw new AtpError('invalid_params', `${what}: the arguments are not JSON: ${errorText(error).split('\n')[0]}`, {
      cause: error,
    })
  }
}
