import fc from 'fast-check'
import { fetchedAnswer } from '../../src/outbound/fetched-answer.ts'
import type { Answer } from '../../src/send-request.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** The bytes of a text. */
export function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text)
}

/** Cuts bytes at places, which may be given in any order and more than once. */
export function cutAt(bytes: Bytes, places: readonly number[]): Bytes[] {
  const sorted = [...places].sort((a, b) => a - b)
  return [...sorted, bytes.length].map((end, index) => bytes.slice(index === 0 ? 0 : sorted[index - 1], end))
}

/** Ways to cut bytes of a length into chunks; empty chunks are among them. */
export function cuts(length: number): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(length), { maxLength: 12 })
}

/** An answer whose body arrives in these chunks, and breaks off by an error if there is one. */
export function answerOf(chunks: readonly Bytes[], contentType: string, failure?: unknown): Answer {
  const rest = [...chunks]
  const body = new ReadableStream<Bytes>({
    pull(controller) {
      const next = rest.shift()
      if (next !== undefined) controller.enqueue(next)
      else if (failure === undefined) controller.close()
      else controller.error(failure)
    },
  })
  const what = 'GET https://a.example'
  return { response: fetchedAnswer(new Response(body, { headers: { 'content-type': contentType } }), what), what }
}
