import { PassThrough } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { EventReader } from '../calls/call-events.ts'

/** How often an answer that is awaited as an event says that the server lives (rule T9), in milliseconds. */
const heartbeatMs = 15_000

/** How much may wait on its way to a reader, in bytes; what is more waits where it can be counted. */
const maxBufferedBytes = 65_536

/** Answers a request with server-sent events. */
export interface EventReply extends EventReader {
  /** Sends the head; events follow. */
  start(): FastifyReply
  /** Calls back once when the connection has ended, whoever ended it. */
  onClose(listener: () => void): void
}

/** Makes the answer of a request that asked for events. */
export function createEventReply(reply: FastifyReply): EventReply {
  const stream = new PassThrough({ highWaterMark: maxBufferedBytes })
  const heartbeat = setInterval(() => {
    // One that does not read need not be told.
    if (!stream.writableNeedDrain) stream.write(': heartbeat\n\n')
  }, heartbeatMs)
  stream.on('close', () => clearInterval(heartbeat))
  return {
    get congested() {
      return stream.writableNeedDrain
    },
    write: (text) => void stream.write(text),
    onDrain: (listener) => void stream.on('drain', listener),
    end() {
      clearInterval(heartbeat)
      stream.end()
    },
    start: () =>
      // Without a charset the SDK's HTTP library reads text as ISO 8859-1.
      reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-store').send(stream),
    onClose(listener) {
      if (reply.raw.destroyed) listener()
      else reply.raw.once('close', listener)
    },
  }
}
