import type {
  CallContext,
  CallTemplate,
  CommunicationProtocol,
  SseCallTemplate,
  ToolArguments,
  UtcpCaller,
} from '@atp/utcp'
import { TokenSource } from './auth/token-source.ts'
import { type Deadline, openDeadline } from './deadline.ts'
import { discoverManual } from './discovery/discover-manual.ts'
import { ManualOrigins } from './discovery/manual-origins.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { ProtocolOptions } from './protocol-options.ts'
import { buildRequest, type RequestTemplate } from './request/build-request.ts'
import { tooLarge } from './response/read-body.ts'
import { type Answer, type Connection, refuseRedirect, sendRequest } from './send-request.ts'
import { maxPartialEvent, serverEvents } from './streams/server-events.ts'

/** How long a stream may take to begin, in milliseconds. */
const handshakeTimeoutMs = 30_000

const defaultRetryMs = 30_000

/** The protocol `sse`: server-sent events, each of them a result. */
export function sseProtocol(outbound: Outbound, options: ProtocolOptions): CommunicationProtocol {
  const connection: Connection = { outbound, tokens: new TokenSource(outbound) }
  const origins = new ManualOrigins()
  const { query = {} } = options

  async function* payloads(
    caller: UtcpCaller,
    toolName: string,
    args: ToolArguments,
    callTemplate: CallTemplate,
    { signal, maxResponseBytes, manualCallTemplate }: CallContext,
  ): AsyncGenerator<string, void, undefined> {
    const {
      event_type: wanted,
      reconnect = true,
      retry_timeout: retryMs = defaultRetryMs,
      ...rest
    } = callTemplate as SseCallTemplate
    const template = toRequestTemplate(rest as SseCallTemplate, 'text/event-stream')
    const isLocal = origins.mayLeadHere(manualCallTemplate)
    const isGet = buildRequest(template, args, query).method === 'GET'
    let deadline: Deadline | undefined
    const connect = async (lastEventId: string): Promise<Answer> => {
      deadline?.end()
      deadline = openDeadline(signal, handshakeTimeoutMs, `Opening the stream of "${toolName}"`)
      // Built anew: credentials of the time before are not in it.
      const request = buildRequest(template, args, query)
      if (lastEventId !== '') request.headers.set('Last-Event-ID', lastEventIdText(lastEventId), 'invalid_arguments')
      const options = { auth: template.auth, redirect: 'error', isLocal, signal: deadline.signal } as const
      const answer = await sendRequest(connection, request, options)
      refuseRedirect(answer, request)
      deadline.lift()
      return answer
    }
    const events = serverEvents({
      ...{ connect, retryMs, signal, reconnect: reconnect && isGet },
      maxEventLength: Math.min(maxPartialEvent, maxResponseBytes),
      onReconnect: (attempt) => caller.logger.info('utcp.stream_reconnects', { tool: toolName, attempt }),
    })
    try {
      for await (const { event = 'message', data } of events) {
        if (wanted === undefined || wanted === event) yield data
      }
    } finally {
      deadline?.end()
    }
  }

  return {
    callTemplateTypes: ['sse'],
    registerManual: (caller, manual, context) =>
      discoverManual({
        ...{ connection, origins, caller, context, openApi: undefined, redirect: 'error' },
        template: toRequestTemplate(manual as SseCallTemplate, 'application/json, application/yaml;q=0.9, */*;q=0.5'),
      }),
    async deregisterManual(_caller, manual) {
      origins.forget(manual)
    },
    async callTool(caller, toolName, args, template, context) {
      const results: unknown[] = []
      let size = 0
      for await (const data of payloads(caller, toolName, args, template, context)) {
        size += data.length
        if (size > context.maxResponseBytes) throw tooLarge(`"${toolName}"`, context.maxResponseBytes)
        results.push(readPayload(data))
      }
      return results
    },
    async *callToolStreaming(caller, toolName, args, template, context) {
      for await (const data of payloads(caller, toolName, args, template, context)) yield readPayload(data)
    },
    isIdempotent: (template) => (template as SseCallTemplate).body_field === undefined,
    async close() {
      connection.tokens.close()
      await outbound.close()
    },
  }
}

/** JSON where it is JSON, else the text. */
function readPayload(data: string): unknown {
  try {
    return JSON.parse(data) as unknown
  } catch {
    return data
  }
}

/** Headers carry bytes: an id beyond ASCII goes back as the UTF-8 that it came as. */
function lastEventIdText(id: string): string {
  return Array.from(new TextEncoder().encode(id), (byte) => String.fromCharCode(byte)).join('')
}

function toRequestTemplate(template: SseCallTemplate, accept: string): RequestTemplate {
  return {
    ...{ url: template.url, method: undefined, accept, contentType: 'application/json' },
    ...{ headers: template.headers, headerFields: template.header_fields, auth: template.auth },
    bodyField: template.body_field,
  }
}
