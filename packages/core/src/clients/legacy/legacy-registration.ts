import { type AtpError, isAtpError } from '../../errors/atp-error.ts'
import type { RegisteredFrame } from '../../protocol/frames.ts'
import { isJsonObject } from '../../protocol/json.ts'
import type { WireTool } from '../../protocol/tool-descriptor.ts'
import { sha256Hex, stableJson } from '../../tool/fingerprint.ts'
import { requestJson } from '../http-request.ts'
import { hideKey } from './hide-key.ts'

/** Where and as whom tools are registered. */
export interface LegacyRegistrationOptions {
  /** `http://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  appName: string
  fetch: typeof fetch
  /** Gives up. */
  closed: AbortSignal
}

interface HashedTool {
  tool: WireTool
  text: string
  hash: string
}

const verifyTimeoutMs = 15_000
const registerTimeoutMs = 30_000

/** How many tools are asked for or registered at once. */
const atOnce = 8

/**
 * Registers tools with a founding server: those that it does not have under their hash. What stands for a tool's source
 * text is its description as JSON; no code is ever sent.
 * @returns what the server did not take
 * @throws AtpError what the server says when no tool can be registered at all: a refused key, a server that is gone.
 */
export async function registerLegacyTools(
  tools: readonly WireTool[],
  options: LegacyRegistrationOptions,
): Promise<RegisteredFrame['rejected']> {
  if (tools.length === 0) return []
  const hashed = await Promise.all(tools.map(hashTool))
  const toolkitHash = await sha256Hex(
    [...hashed]
      .sort(byName)
      .map(({ text }) => text)
      .join(''),
  )
  if (await isUpToDate('toolkit/verify_hash', { app_name: options.appName, toolkit_hash: toolkitHash }, options)) {
    return []
  }
  const known = await mapSome(hashed, ({ tool, hash }) => {
    return isUpToDate('toolkit/verify_tool_hash', { tool_hash: hash, tool_name: tool.name }, options)
  })
  const unknown = hashed.filter((_, index) => !known[index])
  // The server takes the whole's hash with the last tool, once it has all others: it stands for tools that are there.
  const last = unknown.pop() ?? (hashed.at(-1) as HashedTool)
  const rejected = (await mapSome(unknown, (each) => register(each, undefined, options))).filter(isRejection)
  const rejection = await register(last, rejected.length === 0 ? toolkitHash : undefined, options)
  return rejection ? [...rejected, rejection] : rejected
}

async function hashTool(tool: WireTool): Promise<HashedTool> {
  const text = stableJson(tool)
  return { tool, text, hash: await sha256Hex(text) }
}

/** By code points, which is how UTF-16 orders the names that are allowed. */
function byName({ tool: a }: HashedTool, { tool: b }: HashedTool): number {
  return a.name < b.name ? -1 : 1
}

/** Servers of the first generation know no such questions: no. */
async function isUpToDate(
  path: string,
  question: Record<string, unknown>,
  options: LegacyRegistrationOptions,
): Promise<boolean> {
  try {
    const answer = await post(path, question, verifyTimeoutMs, options)
    return isJsonObject(answer) && answer.up_to_date === true
  } catch (error) {
    if (isAtpError(error) && !givesUp(error)) return false
    throw error
  }
}

type Rejection = RegisteredFrame['rejected'][number]

async function register(
  { tool, hash }: HashedTool,
  toolkitHash: string | undefined,
  options: LegacyRegistrationOptions,
): Promise<Rejection | undefined> {
  const body = {
    function_id: tool.name,
    app_name: options.appName,
    programming_language: 'TypeScript',
    code_hash: hash,
    toolkit_hash: toolkitHash,
    metadata: {
      params: tool.params,
      required_params: tool.required_params,
      description: tool.description,
      auth_provider: tool.auth_provider,
      auth_type: tool.auth_type,
      auth_with: tool.auth_with,
      sample_response: '',
      source_code: '',
    },
  }
  try {
    const answer = await post('register_tool', body, registerTimeoutMs, options)
    if (isJsonObject(answer) && typeof answer.exchange_token === 'string') return undefined
    const why =
      isJsonObject(answer) && typeof answer.error === 'string' ? answer.error : 'no exchange_token in the answer'
    return { name: tool.name, code: 'registration_rejected', message: why }
  } catch (error) {
    const { status } = (isAtpError(error) && error.details) || {}
    if (!isAtpError(error) || givesUp(error) || typeof status !== 'number' || status === 404) throw error
    return { name: tool.name, code: error.code, message: error.message }
  }
}

/** What holds for all tools alike, or for the moment: no answer about one tool. */
function givesUp({ code, retryable, details }: AtpError): boolean {
  const status = Number(details?.status)
  return retryable || code === 'toolkit_name_conflict' || code === 'client_stopped' || status === 401 || status === 403
}

async function post(
  path: string,
  body: Record<string, unknown>,
  timeoutMs: number,
  { baseUrl, apiKey, fetch, closed }: LegacyRegistrationOptions,
): Promise<unknown> {
  const url = `${baseUrl}/api/v1/${path}`
  const text = JSON.stringify({ api_key: apiKey, ...body })
  try {
    return await requestJson({ url, body: text, timeoutMs, closed, fetch })
  } catch (error) {
    throw isAtpError(error) ? hideKey(error, apiKey) : error
  }
}

/** Maps a list in its order, a few at a time. */
async function mapSome<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const entries = items.entries()
  const work = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await map(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
  return results
}

function isRejection(value: Rejection | undefined): value is Rejection {
  return value !== undefined
}
