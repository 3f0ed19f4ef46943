import { upstreamFailed } from './egress-error.ts'
import type { IncomingAnswer } from './guarded-answer.ts'
import { shownUrl } from './outgoing-request.ts'

/**
 * Makes the response that users of `fetch` know. Its body streams, and fails as reading the answer does.
 * Throws `upstream_failed` for what a response cannot hold, and lets go of the answer then.
 */
export function toResponse(answer: IncomingAnswer): Response {
  try {
    return asResponse(answer)
  } catch (error) {
    answer.discard()
    throw upstreamFailed(shownUrl(new URL(answer.url)), 'answered what no response can hold', error, false)
  }
}

function asResponse(answer: IncomingAnswer): Response {
  const { status, statusText } = answer
  const headers = new Headers()
  for (const [name, value] of answer.headers()) headers.append(name, value)
  const response = new Response(answer.hasBody ? bodyStream(answer) : null, { status, statusText, headers })
  return Object.defineProperties(response, {
    url: { value: answer.url },
    redirected: { value: answer.redirected },
  })
}

function bodyStream(answer: IncomingAnswer): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      async pull(controller) {
        const chunk = await answer.read()
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
      cancel: () => answer.discard(),
    },
    // Nothing is read ahead: who does not read holds up the sender, not our memory.
    { highWaterMark: 0 },
  )
}
