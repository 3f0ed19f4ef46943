import { AtpError, isErrorCode } from '@atp/core'
import { firstIssues } from '@atp/core/protocol'
import * as z from 'zod'
import { type CallsClient, createCallsClient } from './calls/calls-client.ts'
import type { KeyAdmin } from './key-admin.ts'
import type { ConnectionSettings } from './settings.ts'
import { unreachable } from './unreachable.ts'
import {
  type Endpoint,
  endpoint,
  keyList,
  newKey,
  type Publication,
  publication,
  type ToolkitList,
  type ToolList,
  toolkitList,
  toolList,
  wireKey,
} from './wire-bodies.ts'

/** The admin routes of a server; bodies as they travel. */
export interface AdminClient {
  keys: KeyAdmin
  toolkits(): Promise<ToolkitList>
  /** Shows a toolkit to all projects in the store, or makes it private again. */
  publish(toolkit: string, published: boolean): Promise<Publication>
  /** Sets where the calls of a toolkit are posted to, or takes it away with null. */
  setEndpoint(toolkit: string, url: string | null): Promise<Endpoint>
  tools(toolkit: string): Promise<ToolList>
  calls: CallsClient
}

/** Asks a server for one thing below `/api/v2`. A signal that aborts ends the waiting with its reason. */
export type Ask = <T>(
  method: string,
  path: string,
  schema: z.ZodType<T>,
  options?: { body?: unknown; signal?: AbortSignal },
) => Promise<T>

const timeoutMs = 30_000

/**
 * Builds a client of the admin routes. Every method throws AtpError: what the server refused with, `connection_failed`
 * when there is none, `protocol_error` when something else answers.
 * @throws AtpError `invalid_config` when the base URL is none
 */
export function createAdminClient({ baseUrl, apiKey }: ConnectionSettings): AdminClient {
  const root = readRoot(baseUrl)

  const ask: Ask = async (method, path, schema, { body, signal } = {}) => {
    let response: Response
    let text: string
    try {
      response = await fetch(`${root}/api/v2${path}`, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        // A key is for the server the user named, not for one that it points to.
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      text = await response.text()
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw unreachable(`Cannot reach an ATP server at ${root}: ${reasonOf(error)}`, error)
    }
    const answer = parse(text)
    if (!response.ok) throw refusal(root, response.status, answer)
    const read = schema.safeParse(answer)
    if (read.success) return read.data
    throw new AtpError('protocol_error', `The answer of ${root} cannot be read: ${firstIssues(read.error)}`)
  }

  return {
    keys: {
      list: () => ask('GET', '/keys', keyList),
      create: ({ kind, name }) => ask('POST', '/keys', newKey, { body: { kind, name } }),
      revoke: (id) => ask('DELETE', `/keys/${encodeURIComponent(id)}`, wireKey),
    },
    toolkits: () => ask('GET', '/toolkits', toolkitList),
    publish: (toolkit, published) =>
      ask(published ? 'PUT' : 'DELETE', `/toolkits/${encodeURIComponent(toolkit)}/publication`, publication),
    setEndpoint: (toolkit, url) =>
      ask('PUT', `/toolkits/${encodeURIComponent(toolkit)}/endpoint`, endpoint, { body: { url } }),
    tools: (toolkit) => ask('GET', `/toolkits/${encodeURIComponent(toolkit)}/tools`, toolList),
    calls: createCallsClient(ask),
  }
}

/** The server's address as LLMClient and ToolKitClient take it: ws as http, a whole endpoint cut back to its server. */
function readRoot(baseUrl: string): string {
  const url = URL.parse(baseUrl.replace(/^ws/, 'http'))
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new AtpError('invalid_config', `The base URL "${baseUrl}" is none of the form http://host:port`)
  }
  return url.origin + url.pathname.replace(/\/(ws|api)\/v\d+\/.*$/, '').replace(/\/+$/, '')
}

const problem = z.object({ detail: z.string(), code: z.string() })

function refusal(root: string, status: number, answer: unknown): AtpError {
  const told = problem.safeParse(answer)
  if (told.success && isErrorCode(told.data.code)) return new AtpError(told.data.code, told.data.detail)
  return new AtpError('protocol_error', `${root} answered ${status}, and not as an ATP server does: check the base URL`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Node's fetch says no more than "fetch failed" itself. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  const { code, message: inner } = (cause ?? {}) as NodeJS.ErrnoException
  return code ?? (inner || message)
}
