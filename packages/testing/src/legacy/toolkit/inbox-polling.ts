import { setTimeout as sleep } from 'node:timers/promises'
import { type LegacyAnswer, legacyFetch, trimBase } from '../http.ts'
import type { Problems } from '../legacy-break.ts'
import { isFalsy, isObject } from '../python-json.ts'
import type { SdkVersion } from '../sdk-version.ts'
import type { ToolRequest } from './toolkit-session.ts'

/** What {@link pollInbox} works with. */
export interface InboxPollingOptions {
  baseUrl: string
  apiKey: string
  version: SdkVersion
  /** The pause after every poll, in milliseconds. */
  pollPauseMs: number
  problems: Problems
  signal: AbortSignal
  /** Told after every poll that was answered well. */
  onPolled(): void
  /** Gives the result, or undefined where the SDK answers nothing. */
  onRequest(request: ToolRequest): Promise<{ result: unknown } | undefined>
  /** The exchange token of a tool, with which the early build answers. */
  exchangeToken(tool: string): string | undefined
}

/** How long the SDK waits for an item, in milliseconds; the early build waited longer. */
const pollTimeoutMs = 30_000
const earlyPollTimeoutMs = 60_000

/** Polls, runs what comes, answers and pauses, until the signal ends it. */
export async function pollInbox(options: InboxPollingOptions): Promise<void> {
  const { signal, problems, pollPauseMs } = options
  while (!signal.aborted) {
    const item = await pollOnce(options).catch((error: unknown) => {
      if (!signal.aborted) problems.add(`could not poll: ${String(error)}`)
    })
    if (item !== undefined) await serve(options, item)
    await sleep(pollPauseMs, undefined, { signal }).catch(() => {})
  }
}

/** One poll: the item, if there was one. */
async function pollOnce(options: InboxPollingOptions): Promise<Record<string, unknown> | undefined> {
  const { baseUrl, apiKey, version, problems, signal, onPolled } = options
  const early = version === '0.2.0-early'
  const path = early ? `atp/toolkit-client/${apiKey}/messages/` : `toolkit/${apiKey}/inbox`
  const timeoutMs = early ? earlyPollTimeoutMs : pollTimeoutMs
  const answer = await legacyFetch(`${trimBase(baseUrl)}/api/v1/${path}`, { timeoutMs, signal })
  if (answer.status !== 200 || answer.json === undefined) {
    problems.add(`a poll was answered with ${shown(answer)}`)
    return undefined
  }
  onPolled()
  if (isFalsy(answer.json)) return undefined
  // The early build gets the socket's message, all others the bare request.
  const item = early && isObject(answer.json) ? answer.json.payload : answer.json
  if (isObject(item) && isObject(item.params) && typeof item.request_id === 'string') return item
  problems.add(`cannot read the item ${answer.text.slice(0, 200)}`)
  return undefined
}

async function serve(options: InboxPollingOptions, item: Record<string, unknown>): Promise<void> {
  const answer = await options.onRequest(item as unknown as ToolRequest)
  if (answer === undefined) return
  const { baseUrl, apiKey, version, problems } = options
  const api = `${trimBase(baseUrl)}/api/v1`
  if (version === '0.2.0-early') {
    const name = String(item.tool_name)
    const body = { exchange_token: options.exchangeToken(name), result: answer.result, function_id: name }
    const said = await legacyFetch(`${api}/execute_function`, { body })
    if (said.status !== 200) problems.add(`execute_function was answered with ${shown(said)}`)
    return
  }
  const url = `${api}/toolkit/${apiKey}/inbox/respond`
  const respond = async (response: unknown): Promise<boolean> => {
    const said = await legacyFetch(url, { body: { request_id: item.request_id, response } })
    const good = said.status >= 200 && said.status < 300 && said.json !== undefined
    if (!good) problems.add(`inbox/respond was answered with ${shown(said)}, so the SDK posts again`)
    return good
  }
  if (!(await respond(answer.result))) await respond({ error: 'the answer could not be posted' })
}

function shown({ status, text }: LegacyAnswer): string {
  return `${status} ${text.slice(0, 200)}`
}
