import { AtpError, type ErrorCode, isAtpError } from '@atp/core'
import type { ChatProvider } from './providers.ts'

/** The stream ended before the model had: what came may be half a sentence, or half a call. */
export function cutOff(): AtpError {
  return new AtpError('upstream_failed', 'The connection ended in the middle of the answer')
}

/** The provider reported a failure after it had begun to answer, with or without a reason. */
export function failedMidway(reason: string | undefined): AtpError {
  return new AtpError('upstream_failed', reason || 'The model failed in the middle of its answer')
}

interface FailureContext {
  provider: ChatProvider
  model: string
  baseUrl: string
  apiKey: string
}

/**
 * What a provider's package threw, as one line that says what to do. Keys are cut out of what providers say; where a
 * provider refuses a key its text, which quotes parts of it, is not shown at all.
 */
export function toProviderFailure(error: unknown, { provider, model, baseUrl, apiKey }: FailureContext): AtpError {
  const { title, keyVariable, baseUrlVariable } = provider
  const said = oneLine(textOf(error), apiKey)
  const fail = (code: ErrorCode, message: string): AtpError => new AtpError(code, message, { cause: error })
  const status = statusOf(error)
  if (isAtpError(error)) return fail(error.code, `${title}: ${said}`)
  if (isTooLong(error, said)) {
    return fail(
      'payload_too_large',
      `The conversation is too long for ${model}: begin anew (/clear), or take a model that reads more. ${title}: ${said}`,
    )
  }
  if (status === 401) return fail('unauthorized', `${title} refuses the key: check ${keyVariable} (${baseUrl})`)
  if (status === 403) {
    return fail('forbidden', `${title} does not let this key use ${model}: check ${keyVariable}. ${title}: ${said}`)
  }
  if (status === 404) {
    return fail(
      'not_found',
      `${title} does not know ${model} at ${baseUrl}: check --model and ${baseUrlVariable}. ${title}: ${said}`,
    )
  }
  if (status === 429) {
    return fail(
      'rate_limited',
      `${title} has had enough requests: wait, or look at your plan and its limits. ${title}: ${said}`,
    )
  }
  if (status !== undefined && status >= 500) {
    return fail('upstream_failed', `${title} has trouble of its own (${status}): try again later. ${title}: ${said}`)
  }
  if (status !== undefined) return fail('invalid_request', `${title} refuses the request (${status}): ${said}`)
  const reason = networkReason(error)
  if (reason === undefined) return fail('upstream_failed', `${title}: ${said}`)
  return fail(
    'connection_failed',
    `Cannot reach ${title} at ${baseUrl} (${reason}): is it running? Check ${baseUrlVariable}`,
  )
}

/** OpenAI's and Anthropic's packages say `status`, Mistral's `statusCode`. */
function statusOf(error: unknown): number | undefined {
  const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown }
  const found = status ?? statusCode
  return typeof found === 'number' ? found : undefined
}

/** What the provider itself said, out of the body; its package's words otherwise. */
function textOf(error: unknown): string {
  const { error: body, body: text, message } = Object(error) as { error?: unknown; body?: unknown; message?: unknown }
  const found = messageIn(body) ?? messageIn(typeof text === 'string' ? parse(text) : undefined)
  return found ?? (typeof message === 'string' && message !== '' ? message : String(error))
}

/** `{message}`, `{error: {message}}`, `{error: text}`, `{detail}`, and Mistral's list of details. */
function messageIn(body: unknown): string | undefined {
  if (typeof body === 'string') return body === '' ? undefined : body
  if (typeof body !== 'object' || body === null) return undefined
  const { message, error, detail, msg } = body as Record<string, unknown>
  if (Array.isArray(detail)) return messageIn(detail[0])
  return messageIn(error) ?? messageIn(message) ?? messageIn(detail) ?? messageIn(msg)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const maxLength = 300

function oneLine(text: string, apiKey: string): string {
  // The key made up for a local model is a word like others.
  const safe = apiKey.length < 8 ? text : text.replaceAll(apiKey, '***')
  const line = safe.replaceAll(/\s+/g, ' ').trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}…`
}

function isTooLong(error: unknown, said: string): boolean {
  if ((Object(error) as { code?: unknown }).code === 'context_length_exceeded') return true
  return /context[ _](length|window)|prompt is too long|too large for model|maximum context/i.test(said)
}

/** The reason at the bottom of `Connection error.` and `fetch failed`; undefined when it is no matter of the network. */
function networkReason(error: unknown): string | undefined {
  let network = false
  let reason: string | undefined
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 6; each = each.cause, depth += 1) {
    const { code, name, message } = each as NodeJS.ErrnoException
    if (
      /^(APIConnection|ConnectionError|RequestTimeout)/.test(name) ||
      /^(fetch failed|terminated|Connection error)/.test(message)
    ) {
      network = true
    }
    if (typeof code === 'string' && /^(E[A-Z]+|UND_ERR_\w+|ERR_\w+|CERT_\w+|DEPTH_\w+)$/.test(code)) {
      network = true
      reason = code
    } else if (network) reason = message
  }
  return network ? reason : undefined
}
