import type { PlatformSocket, PlatformSocketEvents } from './platform-socket.ts'

/** Whether `headers` are sent: a browser's or worker's WebSocket cannot. */
export const canSendHeaders: boolean = false
/** Whether `activity` tells of pings. */
export const seesPings: boolean = false

/** Opens a socket with the platform's own `WebSocket`, which takes no headers and shows no status. */
export function openPlatformSocket(
  url: string,
  _headers: Record<string, string>,
  events: PlatformSocketEvents,
): PlatformSocket {
  const socket = new WebSocket(url)
  let opened = false
  let ended = false
  const end = (code: number, reason: string): void => {
    if (ended) return
    ended = true
    if (opened) events.closed(code, reason)
    else events.failed({ message: 'the connection failed' })
  }
  socket.onopen = () => {
    if (ended) return
    opened = true
    events.opened()
  }
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (ended) return
    if (typeof event.data === 'string') events.message(event.data)
    else events.activity()
  }
  socket.onclose = (event) => end(event.code, event.reason)
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    close(code, reason) {
      // The standard allows clients 1000 and 3000 to 4999 only.
      socket.close(code === 1000 || code >= 3000 ? code : 1000, reason)
    },
    terminate() {
      socket.close()
      // The platform waits for an answer of the peer, which is what nobody believes in any more.
      queueMicrotask(() => end(1006, ''))
    },
    get bufferedAmount() {
      return socket.bufferedAmount
    },
  }
}
