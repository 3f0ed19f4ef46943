import { expect, vi } from 'vitest'
import { allEvents } from '../event-reader.ts'
import { countsOf, expectError } from '../expectations.ts'
import { contractKeys } from '../fixtures/contract-keys.ts'
import { open } from '../http-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'
import { type SignedCallInit, signCall } from '../sign-call.ts'
import { longNote } from './aborts.ts'
import { sendSigned } from './signed-calls.ts'

const key = contractKeys.signed
const echo = { key, toolkit: 'probe', tool: 'echo' }
const card = { key, toolkit: 'contacts', tool: 'share_card', params: { email: 'a@b.c' } }

/** How a call that a server signed runs. */
export const signedRunBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'signed.id',
    says: 'gives the tool the id of the call, and names it in refusals',
    rules: ['signature.call', 'request-id'],
    async run(host) {
      const callId = crypto.randomUUID()
      const answer = await sendSigned(host, '/signed', { ...echo, tool: 'context', callId })
      expect(answer).toMatchObject({ status: 200, json: { result: { call_id: callId } } })
      const failed = { ...echo, tool: 'wait', callId: crypto.randomUUID() }
      const refusal = await sendSigned(host, '/signed', failed)
      expectError(refusal, 400, 'missing_params')
      expect(refusal.json).toMatchObject({ request_id: failed.callId })
    },
  },
  {
    id: 'signed.token',
    says: 'takes the token out of the signed body only, where the tool declares auth',
    rules: ['signature.call', 'token.body'],
    async run(host) {
      const answer = await sendSigned(host, '/signed', { ...card, body: { auth_token: 'secret' } })
      expect(answer.json).toEqual({ result: { args: card.params, token: 'secret', principal: null } })
      const unsigned = { 'x-atp-auth-token': 'secret' }
      expectError(await sendSigned(host, '/signed', card, unsigned), 400, 'missing_token')
      const undeclared = await sendSigned(host, '/signed', { ...echo, body: { auth_token: 'secret' } })
      expect(undeclared.json).toEqual({ result: { args: {}, token: null } })
    },
  },
  {
    id: 'signed.deadline',
    says: 'ends a call at the deadline that it brought',
    rules: ['signature.call', 'outcome.deadline'],
    async run(host) {
      const id = crypto.randomUUID()
      const init = { ...echo, tool: 'wait', params: { id }, body: { deadline_ms: 50 } }
      expectError(await sendSigned(host, '/signed', init), 504, 'deadline_exceeded')
      expect(await countsOf(host, id)).toMatchObject({ started: 1, aborted: 1 })
    },
  },
  {
    id: 'signed.stream',
    says: 'streams where the signed body asks for it, or the header does',
    rules: ['signature.call', 'stream.events'],
    async run(host) {
      const count = { ...echo, toolkit: 'streams', tool: 'count', params: { to: 1 } }
      const asked = [
        post(host, { ...count, body: { stream: true } }),
        post(host, count, { accept: 'text/event-stream' }),
      ]
      for (const response of await Promise.all(asked)) {
        expect(response.headers.get('content-type')).toMatch(/^text\/event-stream\b/)
        expect((await allEvents(response)).map(({ event, json }) => [event, json])).toEqual([
          ['progress', { progress: 1, total: 1 }],
          ['chunk', 1],
          ['result', { result: { counted: 1 } }],
        ])
      }
      expect((await post(host, { ...count, body: { stream: false } })).headers.get('content-type')).toMatch(/json/)
    },
  },
  {
    id: 'signed.abort',
    says: "aborts the tool's signal when the server goes away from a signed call",
    rules: ['abort'],
    async run(host) {
      const id = crypto.randomUUID()
      const abort = new AbortController()
      // Long, so that whether a platform tells does not depend on which connection the call happens to take.
      const waiting = { ...echo, tool: 'wait', params: { id, note: longNote } }
      const running = post(host, waiting, {}, abort.signal).catch(() => {})
      const until = (counts: object): Promise<void> =>
        vi.waitFor(async () => expect(await countsOf(host, id)).toMatchObject(counts), { timeout: 15_000 })
      await until({ started: 1, aborted: 0 })
      abort.abort()
      await until({ aborted: 1, ended: 1 })
      await running
    },
  },
  {
    id: 'signed.size',
    says: 'takes arguments of 1 MiB in a signed call, and refuses a body of 64 KiB more with 413',
    rules: ['too-large'],
    async run(host) {
      const sized = (bytes: number): SignedCallInit => ({ ...echo, params: { note: 'x'.repeat(bytes) } })
      const largest = 1_048_576 - '{"note":""}'.length
      // The answer is larger than a result may be, which says that the tool ran.
      expectError(await sendSigned(host, '/signed', sized(largest)), 500, 'result_too_large')
      expectError(await sendSigned(host, '/signed', sized(largest + 65_536)), 413, 'payload_too_large')
    },
  },
]

function post(
  host: RoutesHost,
  init: SignedCallInit,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const signed = signCall(init)
  return open(host, `/signed/atp/${init.toolkit}/${init.tool}/`, {
    method: 'POST',
    headers: { ...signed.headers, ...headers },
    body: signed.text,
    ...(signal === undefined ? {} : { signal }),
  })
}
