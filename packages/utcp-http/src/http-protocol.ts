import type { CallContext, CallTemplate, CommunicationProtocol, HttpCallTemplate, ToolArguments } from '@atp/utcp'
import { TokenSource } from './auth/token-source.ts'
import { openDeadline } from './deadline.ts'
import { discoverManual } from './discovery/discover-manual.ts'
import { ManualOrigins } from './discovery/manual-origins.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { HttpProtocolOptions } from './protocol-options.ts'
import { buildRequest, type RequestTemplate } from './request/build-request.ts'
import { readBytes } from './response/read-body.ts'
import { readResult } from './response/read-result.ts'
import { type Connection, sendRequest } from './send-request.ts'

const defaultTimeoutMs = 30_000

/** Sending one of these again changes nothing (RFC 9110, 9.2.2). */
const idempotent: ReadonlySet<string> = new Set(['GET', 'PUT', 'DELETE'])

/** The protocol `http`: one request, one answer. */
export function httpProtocol(outbound: Outbound, options: HttpProtocolOptions): CommunicationProtocol {
  const connection: Connection = { outbound, tokens: new TokenSource(outbound) }
  const origins = new ManualOrigins()
  const { timeoutMs = defaultTimeoutMs, query = {}, openApi } = options

  const call = async (
    toolName: string,
    args: ToolArguments,
    callTemplate: CallTemplate,
    context: CallContext,
  ): Promise<unknown> => {
    const template = toRequestTemplate(callTemplate as HttpCallTemplate, '*/*')
    const request = buildRequest(template, args, query)
    const deadline = openDeadline(context.signal, timeoutMs, `The request of "${toolName}"`)
    const { signal } = deadline
    const isLocal = origins.mayLeadHere(context.manualCallTemplate)
    try {
      const options = { auth: template.auth, redirect: 'follow', isLocal, signal } as const
      const { response, what } = await sendRequest(connection, request, options)
      const bytes = await readBytes(response, context.maxResponseBytes, what)
      return readResult(bytes, response.header('content-type'), what)
    } finally {
      deadline.end()
    }
  }

  return {
    callTemplateTypes: ['http'],
    registerManual: (caller, manual, context) =>
      discoverManual({
        ...{ connection, origins, caller, context, openApi, redirect: 'follow' },
        template: toRequestTemplate(manual as HttpCallTemplate, 'application/json, application/yaml;q=0.9, */*;q=0.5'),
      }),
    async deregisterManual(_caller, manual) {
      origins.forget(manual)
    },
    callTool: (_caller, toolName, args, template, context) => call(toolName, args, template, context),
    async *callToolStreaming(_caller, toolName, args, template, context) {
      yield await call(toolName, args, template, context)
    },
    isIdempotent: (template) => idempotent.has((template as HttpCallTemplate).http_method ?? 'GET'),
    async close() {
      connection.tokens.close()
      await outbound.close()
    },
  }
}

function toRequestTemplate(template: HttpCallTemplate, accept: string): RequestTemplate {
  return {
    ...{ url: template.url, method: template.http_method ?? 'GET', accept },
    contentType: template.content_type ?? 'application/json',
    ...{ headers: template.headers, headerFields: template.header_fields, auth: template.auth },
    bodyField: template.body_field ?? 'body',
  }
}
