import type { Logger } from '../logging/logger.ts'
import { connectInboxPolling, type TransportSlots } from '../transport/inbox-polling.ts'
import type { Connect } from '../transport/transport.ts'
import { connectWebSocket } from '../transport/websocket.ts'
import { defaultBaseUrl, readBaseUrl } from './base-url.ts'
import { requestJson } from './http-request.ts'
import { type OpenLegacy, withLegacyFallback } from './legacy/legacy-fallback.ts'
import { openLegacyInbox } from './legacy/legacy-inbox-link.ts'
import { openLegacyToolkit } from './legacy/legacy-toolkit-link.ts'
import type { ToolKitClientOptions } from './toolkit-client-options.ts'

/** Where a toolkit connects, and how. */
export interface ToolkitWay {
  url: string
  connect: Connect
}

/**
 * What a toolkit's options say of its way to the server, with the founding one behind it.
 * @param slots how many calls the toolkit can take
 * @throws AtpError `invalid_config`
 */
export function toolkitWay(options: ToolKitClientOptions, slots: TransportSlots, logger: Logger): ToolkitWay {
  const { protocol = 'ws', backoff, legacyFallback = true, fetch: request = fetch } = options
  const baseUrl = readBaseUrl(options.baseUrl ?? defaultBaseUrl)
  const withFallback = (connect: Connect, openLegacy: OpenLegacy): Connect =>
    withLegacyFallback({ mode: legacyFallback, connect, openLegacy, logger })
  if (protocol === 'ws') {
    const connect = options.connect ?? connectWebSocket
    const legacy = openLegacyToolkit({ baseUrl, connect, fetch: request })
    return { url: `${baseUrl.ws}/ws/v2/toolkit`, connect: withFallback(connect, legacy) }
  }
  const polling = connectInboxPolling({
    post: ({ signal, ...post }) => requestJson({ ...post, closed: signal, fetch: request }),
    slots,
    backoff,
  })
  const legacy = openLegacyInbox({ baseUrl: baseUrl.http, fetch: request, slots, backoff })
  return { url: `${baseUrl.http}/api/v2/toolkit`, connect: withFallback(options.connect ?? polling, legacy) }
}
