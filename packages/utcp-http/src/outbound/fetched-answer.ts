import { isAtpError } from '@atp/core'
import { isUtcpError, UtcpError } from '@atp/utcp'
import type { OutboundAnswer } from './outbound.ts'

/**
 * The answer of a platform's `fetch`.
 * @param what names the request in errors, such as `GET https://api.example.com`
 */
export function fetchedAnswer(response: Response, what: string): OutboundAnswer {
  const { status, statusText, url, redirected, headers } = response
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  return {
    ...{ status, statusText, url, redirected },
    header: (name) => headers.get(name),
    async read() {
      reader ??= response.body?.getReader()
      if (reader === undefined) return undefined
      try {
        const { done, value } = await reader.read()
        return done ? undefined : value
      } catch (error) {
        // Reasons of aborts say what they are; what a platform throws does not.
        if (isUtcpError(error) || isAtpError(error) || !(error instanceof TypeError)) throw error
        throw new UtcpError('connection_failed', `The answer of ${what} broke off`, { cause: error })
      }
    },
    discard() {
      const left = reader === undefined ? response.body?.cancel() : reader.cancel()
      left?.catch(() => {})
    },
  }
}
