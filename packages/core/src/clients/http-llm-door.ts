import type { ZodType } from 'zod'
import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import {
  type ContextRequestBody,
  contextResponse,
  type TaskRequestBody,
  taskResponse,
} from '../protocol/http-bodies.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import { requestJson } from './http-request.ts'
import { inProvidersForm } from './legacy/founding-tools.ts'
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
/** Our servers then say more than founding ones: warnings, typed errors. */
const accept = 'application/vnd.atp+json, application/json'

/** One HTTP request for each question, on the route that older clients use too. */
export function createHttpLlmDoor({ baseUrl, apiKey, fetch }: HttpLlmDoorOptions): LlmDoor {
  const url = `${baseUrl}/api/v1/atp/llm-client/process/`
  let closing = new AbortController()

  async function post<T>(
    body: ContextRequestBody | TaskRequestBody,
    schema: ZodType<T>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const request = { url, apiKey, body: encode(body), accept, timeoutMs, signal, closed: closing.signal, fetch }
    const answer = await requestJson({ ...request, missing: 'toolkit_not_found' })
    const parsed = schema.safeParse(answer)
    if (parsed.success) return parsed.data
    throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${firstIssues(parsed.error)}`)
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
      const context = await post(body, contextResponse, contextTimeoutMs, signal)
      return { ...context, tools: inProvidersForm(context.tools, provider) }
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
      const { outcome } = await post(body, taskResponse, (timeoutMs ?? maxTimeoutMs) + graceMs, signal)
      if (!outcome.ok) throw peerError(outcome.error)
      return outcome.result
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
