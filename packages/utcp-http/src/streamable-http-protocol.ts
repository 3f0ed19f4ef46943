import {
  type CallContext,
  type CallTemplate,
  type CommunicationProtocol,
  type StreamableHttpCallTemplate,
  type ToolArguments,
  UtcpError,
} from '@atp/utcp'
import { TokenSource } from './auth/token-source.ts'
import { openDeadline } from './deadline.ts'
import { discoverManual } from './discovery/discover-manual.ts'
import { ManualOrigins } from './discovery/manual-origins.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { ProtocolOptions } from './protocol-options.ts'
import { buildRequest, type RequestTemplate } from './request/build-request.ts'
import { type Answer, type Connection, refuseRedirect, sendRequest } from './send-request.ts'
import { httpPieces, wholeResult } from './streams/http-pieces.ts'

const defaultTimeoutMs = 60_000
const defaultChunkSize = 4_096

/** The protocol `streamable_http`: one answer, read in pieces. */
export function streamableHttpProtocol(outbound: Outbound, options: ProtocolOptions): CommunicationProtocol {
  const connection: Connection = { outbound, tokens: new TokenSource(outbound) }
  const origins = new ManualOrigins()
  const { query = {} } = options

  /** Begins a call; the template's time begins before its token is fetched, and holds until the end. */
  const open = async (
    toolName: string,
    args: ToolArguments,
    callTemplate: CallTemplate,
    { signal: caller, manualCallTemplate }: CallContext,
  ): Promise<{ answer: Answer; end: () => void }> => {
    const { timeout = defaultTimeoutMs, ...rest } = callTemplate as StreamableHttpCallTemplate
    const template = toRequestTemplate(rest as StreamableHttpCallTemplate, '*/*')
    const request = buildRequest(template, args, query)
    if (request.method === 'GET' && request.body !== undefined) {
      throw new UtcpError(
        'invalid_arguments',
        `"${toolName}" is a GET, which has no body; its template must say POST`,
        {
          path: template.bodyField ?? '',
        },
      )
    }
    const { signal, end } = openDeadline(caller, timeout, `The call of "${toolName}"`)
    const isLocal = origins.mayLeadHere(manualCallTemplate)
    try {
      const options = { auth: template.auth, redirect: 'error', isLocal, signal } as const
      const answer = await sendRequest(connection, request, options)
      refuseRedirect(answer, request)
      return { answer, end }
    } catch (error) {
      end()
      throw error
    }
  }

  return {
    callTemplateTypes: ['streamable_http'],
    registerManual: (caller, manual, context) =>
      discoverManual({
        ...{ connection, origins, caller, context, openApi: undefined, redirect: 'error' },
        template: toRequestTemplate(manual as StreamableHttpCallTemplate, 'application/json, */*;q=0.5'),
      }),
    async deregisterManual(_caller, manual) {
      origins.forget(manual)
    },
    async callTool(_caller, toolName, args, template, context) {
      const { answer, end } = await open(toolName, args, template, context)
      try {
        return await wholeResult(answer, context.maxResponseBytes)
      } finally {
        end()
      }
    },
    async *callToolStreaming(_caller, toolName, args, template, context) {
      const { chunk_size: chunkSize = defaultChunkSize } = template as StreamableHttpCallTemplate
      const { answer, end } = await open(toolName, args, template, context)
      try {
        yield* httpPieces(answer, { chunkSize, maxBytes: context.maxResponseBytes })
      } finally {
        end()
      }
    },
    isIdempotent: (template) => ((template as StreamableHttpCallTemplate).http_method ?? 'GET') === 'GET',
    async close() {
      connection.tokens.close()
      await outbound.close()
    },
  }
}

function toRequestTemplate(template: StreamableHttpCallTemplate, accept: string): RequestTemplate {
  return {
    ...{ url: template.url, method: template.http_method ?? 'GET', accept },
    contentType: template.content_type ?? 'application/octet-stream',
    ...{ headers: template.headers, headerFields: template.header_fields, auth: template.auth },
    bodyField: template.body_field,
  }
}
