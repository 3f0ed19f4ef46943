import type { ZodType } from 'zod'
import { cancelledError } from '../dispatch/call-context.ts'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { type ErrorCode, isErrorCode } from '../errors/codes.ts'
import { errorText } from '../errors/to-wire-error.ts'
import {
  type ContextRequestBody,
  contextResponse,
  type TaskRequestBody,
  taskResponse,
} from '../protocol/http-bodies.ts'
import { answerLimits, isJsonObject, type JsonLimits, parseJson } from '../protocol/json.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { LlmDoor } from './llm-door.ts'
import { peerError } from './session.ts'

interface HttpLlmDoorOptions {
  /** `http://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  fetch: typeof fetch
}

const contextTimeoutMs = 30_000
const graceMs = 5_000
/** A result or a context, three levels down in the body. */
const bodyLimits: JsonLimits = { ...answerLimits, maxDepth: answerLimits.maxDepth + 3 }
/** What a status means where the body does not say: an answer of a proxy. */
const codesByStatus = new Map<number, ErrorCode>([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [413, 'payload_too_large'],
  [429, 'rate_limited'],
])

/** One HTTP request for each question, on the route that older clients use too. */
export function createHttpLlmDoor({ baseUrl, apiKey, fetch }: HttpLlmDoorOptions): LlmDoor {
  const url = `${baseUrl}/api/v1/atp/llm-client/process/`
  let closing = new AbortController()

  async function post<T>(
    body: ContextRequestBody | TaskRequestBody,
    schema: ZodType<T>,
    timeoutMs: number,
    caller: AbortSignal | undefined,
  ): Promise<T> {
    const json = encode(body)
    const timeout = AbortSignal.timeout(timeoutMs)
    const closed = closing.signal
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', accept: 'application/json' },
        body: json,
        signal: AbortSignal.any([timeout, closed, ...(caller ? [caller] : [])]),
      })
      const text = await response.text()
      if (!response.ok) throw statusError(url, response.status, text)
      return readAnswer(url, text, schema)
    } catch (error) {
      if (caller?.aborted) throw cancelledError(caller.reason)
      if (closed.aborted) throw new AtpError('client_stopped', 'The client was closed', { cause: error })
      if (timeout.aborted) throw new AtpError('deadline_exceeded', `${url} did not answer within ${timeoutMs} ms`)
      if (isAtpError(error)) throw error
      throw new AtpError('connection_failed', `Cannot reach ${url}: ${causeText(error)}`, { cause: error })
    }
  }

  return {
    context({ toolkitId, provider, userPrompt, signal }) {
      const body: ContextRequestBody = {
        type: 'get_toolkit_context',
        request_id: crypto.randomUUID(),
        toolkit_id: toolkitId,
        provider,
        user_prompt: userPrompt,
      }
      return post(body, contextResponse, contextTimeoutMs, signal)
    },
    async call({ toolkitId, tool, params, provider, userPrompt, authToken, timeoutMs, signal }) {
      const body: TaskRequestBody = {
        type: 'task_request',
        request_id: crypto.randomUUID(),
        toolkit_id: toolkitId,
        payload: { function: tool, parameters: params, auth_token: authToken },
        provider,
        user_prompt: userPrompt,
        timeout_ms: timeoutMs,
      }
      const { result, error } = await post(body, taskResponse, (timeoutMs ?? maxTimeoutMs) + graceMs, signal)
      if (error) throw peerError(error)
      return result
    },
    async close() {
      closing.abort()
      closing = new AbortController()
    },
  }
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

function readAnswer<T>(url: string, text: string, schema: ZodType<T>): T {
  let value: unknown
  try {
    value = parseJson(text, bodyLimits)
  } catch (error) {
    throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${errorText(error)}`, { cause: error })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${firstIssues(parsed.error)}`)
}

function statusError(url: string, status: number, text: string): AtpError {
  let code: ErrorCode = codesByStatus.get(status) ?? (status >= 500 ? 'connection_failed' : 'protocol_error')
  let message = `${url} answered ${status}`
  try {
    const body = parseJson(text)
    if (isJsonObject(body)) {
      if (typeof body.error === 'string') message = body.error
      if (isErrorCode(body.code)) code = body.code
    }
  } catch {
    // A proxy's page: the status says enough.
  }
  return new AtpError(code, message, { details: { status } })
}

/** `fetch failed` says nothing; what it was caused by does. */
function causeText(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string; code?: string } }
  return cause?.message || cause?.code || message || String(error)
}
