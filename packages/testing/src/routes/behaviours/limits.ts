import { expect } from 'vitest'
import { expectAlive, expectError } from '../expectations.ts'
import { type Answer, postText, send } from '../http-client.ts'
import { heavy } from '../json-shapes.ts'
import { hostOf, raw, rawRefused } from '../raw-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

const limit = 1_048_576
const remember = '/public/atp/shop/remember/'

/** How large a body may be. */
export const limitBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'limit.exactly',
    says: 'takes a body of exactly 1 MiB, and answers a result as large',
    rules: ['too-large', 'errors.result'],
    async run(host) {
      const text = heavy(limit)
      const answer = await postText(host, remember, text, 'application/json')
      expect(answer.status).toBe(200)
      expect(answer.text.length).toBe('{"result":}'.length + text.length)
    },
  },
  {
    id: 'limit.one-more',
    says: 'refuses a body of one byte more with 413',
    rules: ['too-large', 'errors.json'],
    async run(host) {
      expectError(await postText(host, remember, heavy(limit + 1), 'application/json'), 413, 'payload_too_large')
      await expectAlive(host)
    },
  },
  {
    id: 'limit.declared',
    says: 'refuses a declared length above the limit without waiting for the body',
    rules: ['too-large'],
    socket: true,
    async run(host) {
      const head = `POST ${remember} HTTP/1.1\r\nhost: ${hostOf(host).host}\r\ncontent-type: application/json\r\n`
      const [answer] = await raw(host, `${head}content-length: 900000000\r\n\r\n{"note":`)
      expect(answer?.status).toBe(413)
      expect(JSON.parse(answer?.body ?? '')).toMatchObject({ code: 'payload_too_large' })
      await expectAlive(host)
    },
  },
  {
    id: 'limit.endless',
    says: 'refuses a body that goes on above the limit while it is still being sent',
    rules: ['too-large'],
    socket: true,
    async run(host) {
      const head = `POST ${remember} HTTP/1.1\r\nhost: ${hostOf(host).host}\r\ncontent-type: application/json\r\n`
      // Somewhat more than the parsers of a framework may let through before they hand the body over.
      const pieces: string[] = Array(80).fill(`10000\r\n${'x'.repeat(65_536)}\r\n`)
      const answer = await rawRefused(host, [`${head}transfer-encoding: chunked\r\n\r\n`, ...pieces])
      expect(answer?.status).toBe(413)
      await expectAlive(host)
    },
  },
  {
    id: 'limit.chunked',
    says: 'counts the bytes of a chunked body and refuses the first one too many with 413',
    rules: ['too-large', 'errors.json'],
    async run(host) {
      expect((await postChunks(host, 'application/json', heavy(limit))).status).toBe(200)
      expectError(await postChunks(host, 'application/json', heavy(limit + 1)), 413, 'payload_too_large')
      await expectAlive(host)
    },
  },
  {
    id: 'limit.bytes',
    says: 'counts bytes, not characters',
    rules: ['too-large'],
    async run(host) {
      const text = JSON.stringify({ note: '€'.repeat(400_000) })
      expectError(await postChunks(host, 'application/json', text), 413, 'payload_too_large')
    },
  },
  {
    id: 'limit.forms',
    says: 'limits forms in the same way',
    rules: ['too-large', 'route.run-form'],
    async run(host) {
      const field = `note=${'x'.repeat(limit - 4)}`
      expectError(await postChunks(host, 'application/x-www-form-urlencoded', field), 413, 'payload_too_large')
      const part = `--b\r\ncontent-disposition: form-data; name="note"\r\n\r\n${'x'.repeat(limit)}\r\n--b--\r\n`
      expectError(await postChunks(host, 'multipart/form-data; boundary=b', part), 413, 'payload_too_large')
    },
  },
  {
    id: 'limit.before-json',
    says: 'refuses a large body for its size before it looks for JSON in it',
    rules: ['too-large', 'order'],
    async run(host) {
      expectError(await postText(host, remember, 'x'.repeat(limit + 1), 'application/json'), 413, 'payload_too_large')
    },
  },
  {
    id: 'limit.after-401',
    says: 'asks who calls before it minds the size',
    rules: ['order', 'unauthorized'],
    async run(host) {
      expectError(
        await postText(host, '/keys/atp/shop/remember/', heavy(limit + 1), 'application/json'),
        401,
        'unauthorized',
      )
    },
  },
]

/** Sends a body in pieces, so that nothing tells its length before. */
function postChunks(host: RoutesHost, type: string, text: string): Promise<Answer> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + 65_536))
      at += 65_536
    },
  })
  return send(host, remember, { method: 'POST', headers: { 'content-type': type }, body })
}
