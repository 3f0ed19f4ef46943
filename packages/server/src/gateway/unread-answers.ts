import type { ServerResponse } from 'node:http'

/** What is smaller fits into the buffers of the system, whether anybody reads it or not. */
const largeChars = 65_536

/** A stream of events may be silent for a while, though not for this long: it sends comments meanwhile (rule T9). */
const silentStreamMs = 60_000

/**
 * Ends the connection of a client that takes nothing of a large answer for `stuckMs` milliseconds: what waits for it
 * would stay in memory for ever (rule T6). Call it when the answer is about to be written.
 * @param payload the answer's body, as the framework hands it over: a text, or a stream
 */
export function endUnreadAnswer(response: ServerResponse, payload: unknown, stuckMs: number): void {
  const { socket } = response
  const isText = typeof payload === 'string'
  if (socket === null || !payload || (isText && payload.length < largeChars)) return
  // Starts anew whenever the client has taken something; after the answer Node sets it to what an idle connection has.
  socket.setTimeout(isText ? stuckMs : Math.max(stuckMs, silentStreamMs))
  response.once('finish', () => {
    // But not where the client has sent its next request already, which may take long and says nothing meanwhile.
    const next = (socket as { _httpMessage?: ServerResponse | null })._httpMessage
    if (next) socket.setTimeout(0)
  })
}
