import type { CallTemplate, DiscoveryContext, ManualDiscovery, ManualValidators, UtcpCaller } from '@atp/utcp'
import { UtcpError } from '@atp/utcp'
import { openDeadline } from '../deadline.ts'
import { leadsToLoopback } from '../outbound/loopback.ts'
import type { OutboundAnswer } from '../outbound/outbound.ts'
import { plainRequest, type RequestTemplate } from '../request/build-request.ts'
import { readBytes } from '../response/read-body.ts'
import { type Connection, sendRequest } from '../send-request.ts'
import type { ManualOrigins } from './manual-origins.ts'
import { type Members, readDocument } from './read-document.ts'

/** How long a discovery may take, in milliseconds. */
const discoveryTimeoutMs = 10_000

/** What a converter gets beside an OpenAPI document. */
export interface OpenApiContext {
  /** Where the document was found in the end. Obligation: never put its query into tools or messages. */
  readonly url: string
  /** The manual's template, variables not filled in: `auth_tools` and what else goes into tools comes from here. */
  readonly template: CallTemplate
  readonly signal: AbortSignal
}

/** Makes a manual, as JSON, of an OpenAPI document. */
export type OpenApiConverter = (document: Members, context: OpenApiContext) => unknown

/** How a manual is asked for. */
export interface DiscoveryRequest {
  readonly connection: Connection
  readonly origins: ManualOrigins
  readonly caller: UtcpCaller
  readonly template: RequestTemplate
  readonly redirect: 'follow' | 'error'
  readonly context: DiscoveryContext
  /** Undefined where a manual cannot be made of an OpenAPI document. */
  readonly openApi: OpenApiConverter | undefined
}

/**
 * Asks once for a manual, in ten seconds, as its template says; on a refresh with what the last answer said of itself.
 * @throws UtcpError
 */
export async function discoverManual(request: DiscoveryRequest): Promise<ManualDiscovery> {
  const { connection, origins, caller, template, redirect, context, openApi } = request
  const { declaredTemplate, validators, maxResponseBytes } = context
  const deadline = openDeadline(context.signal, discoveryTimeoutMs, 'The discovery')
  const { signal } = deadline
  try {
    const built = plainRequest(template)
    if (built.method === 'GET' && validators?.etag !== undefined) {
      built.headers.set('If-None-Match', validators.etag, 'invalid_call_template')
    }
    if (built.method === 'GET' && validators?.lastModified !== undefined) {
      built.headers.set('If-Modified-Since', validators.lastModified, 'invalid_call_template')
    }
    const options = { auth: template.auth, redirect, isLocal: true, signal }
    const { response, what } = await sendRequest(connection, built, options)
    const { status } = response
    if (status === 304 && validators !== undefined) {
      response.discard()
      return { notModified: true, ...freshness(response) }
    }
    if (status !== 200) {
      response.discard()
      throw new UtcpError('invalid_manual', `${what} answered ${status} and no manual`, { status })
    }
    const url = response.url || built.url
    const bytes = await readBytes(response, maxResponseBytes, what)
    const found = readDocument(bytes, response.header('content-type'), [built.url, url], what)
    let manual: unknown
    if (found.kind === 'manual') manual = found.manual
    else if (openApi !== undefined) manual = await openApi(found.document, { url, template: declaredTemplate, signal })
    else throw new UtcpError('unsupported', `${what} answered an OpenAPI document, which is not converted here`)
    const isFromElsewhere = !(leadsToLoopback(built.url) && leadsToLoopback(url))
    origins.remember(declaredTemplate, isFromElsewhere)
    const { kept, errors } = isFromElsewhere ? withoutLoopback(manual) : { kept: manual, errors: [] }
    if (errors.length > 0) {
      caller.logger.warn('utcp.tools_refused', { manual: declaredTemplate.name, count: errors.length })
    }
    return { manual: kept, errors, ...freshness(response), ...validatorsOf(response) }
  } finally {
    deadline.end()
  }
}

/** Leaves out the tools of a manual from elsewhere that name this machine; the others stay. */
function withoutLoopback(manual: unknown): { kept: unknown; errors: string[] } {
  const errors: string[] = []
  if (typeof manual !== 'object' || manual === null) return { kept: manual, errors }
  const { tools } = manual as Members
  if (!Array.isArray(tools)) return { kept: manual, errors }
  const kept = tools.filter((tool: unknown, index) => {
    const url = urlOf(tool)
    if (url === undefined || !leadsToLoopback(url.replaceAll(/[${}]/g, ''))) return true
    errors.push(`tools[${index}] was left out: a manual from elsewhere must not lead to this machine`)
    return false
  })
  return { kept: errors.length === 0 ? manual : { ...manual, tools: kept }, errors }
}

function urlOf(tool: unknown): string | undefined {
  if (typeof tool !== 'object' || tool === null) return undefined
  const { tool_call_template: template, tool_provider: older, provider: oldest } = tool as Members
  const members = [template, older, oldest].find((each) => typeof each === 'object' && each !== null)
  const url = members === undefined ? undefined : (members as Members).url
  return typeof url === 'string' ? url : undefined
}

function validatorsOf(response: OutboundAnswer): { validators?: ManualValidators } {
  const etag = response.header('etag')
  const lastModified = response.header('last-modified')
  if (etag === null && lastModified === null) return {}
  return { validators: { ...(etag === null ? {} : { etag }), ...(lastModified === null ? {} : { lastModified }) } }
}

/** For how long an answer says it holds (RFC 9111, 4.2); nothing when it says not to rely on it. */
function freshness(response: OutboundAnswer): { freshForMs?: number } {
  const control = response.header('cache-control') ?? ''
  const maxAge = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})/i.exec(control)?.[1]
  if (maxAge === undefined || /no-store|no-cache/i.test(control)) return {}
  const age = Number(response.header('age') ?? 0)
  return { freshForMs: Math.max(0, Number(maxAge) - (Number.isFinite(age) ? age : 0)) * 1000 }
}
