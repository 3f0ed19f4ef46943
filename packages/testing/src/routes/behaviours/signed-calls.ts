import { expect } from 'vitest'
import { countsOf, expectError } from '../expectations.ts'
import { contractKeys } from '../fixtures/contract-keys.ts'
import { type Answer, type RequestHeaders, send } from '../http-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'
import { type SignedCallInit, type SignedRequest, signCall } from '../sign-call.ts'

const key = contractKeys.signed
const echo = { key, toolkit: 'probe', tool: 'echo', params: { a: 'ü' } }
const quote = { key: contractKeys.toolkit, toolkit: 'shop', tool: 'quote', params: { sku: 'lamp-1' } }
const session = { 'x-session': 'valid' }

/** Who gets in with a call that a server signed. */
export const signedCallBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'signed.right',
    says: 'runs a signed call where nothing but the key of the toolkit is configured',
    rules: ['authorize.signature', 'route.run'],
    async run(host) {
      const answer = await sendSigned(host, '/signed', echo)
      expect([answer.status, answer.json]).toEqual([200, { result: { args: echo.params, token: null } }])
      const south = { key: contractKeys.south, toolkit: 'south', tool: 'tell_name' }
      expect(await sendSigned(host, '/own', south)).toMatchObject({ status: 200, json: { result: 'south' } })
    },
  },
  {
    id: 'signed.wrong',
    says: 'refuses a signed call whose signature does not fit, on mounts that are open to everybody, too',
    rules: ['signature.invalid', 'unauthorized', 'errors.json'],
    async run(host) {
      for (const mount of ['/signed', '/public', '/parsed']) {
        const id = crypto.randomUUID()
        const init = { ...echo, tool: 'keep_signal', params: { id } }
        const { headers } = signCall(init)
        const wrong: RequestHeaders[] = [
          { 'webhook-signature': `${headers['webhook-signature']?.slice(0, -2)}A=` },
          { 'webhook-signature': '' },
          { 'webhook-timestamp': '' },
          { 'webhook-id': crypto.randomUUID() },
        ]
        for (const other of wrong) {
          expectError(await sendSigned(host, mount, init, other), 401, 'unauthorized')
        }
        expectError(await sendSigned(host, mount, { ...init, key: contractKeys.north }), 401, 'unauthorized')
        expect(await countsOf(host, id)).toMatchObject({ ended: 0 })
      }
    },
  },
  {
    id: 'signed.no-key',
    says: 'refuses signed calls to a toolkit that has no key, and those signed with no key at all',
    rules: ['signature.invalid', 'authorize.unknown'],
    async run(host) {
      const unkeyed = { toolkit: 'unkeyed', tool: 'tell_name' }
      for (const other of ['', 'undefined', contractKeys.north]) {
        expectError(await sendSigned(host, '/own', { ...unkeyed, key: other }), 401, 'unauthorized', /apiKey/)
      }
    },
  },
  {
    id: 'signed.time',
    says: 'refuses a signed call that is five minutes old, or as far ahead, and takes one within that time',
    rules: ['signature.invalid'],
    async run(host) {
      const now = Math.floor(Date.now() / 1_000)
      for (const timestamp of [now - 310, now + 310, 0]) {
        expectError(await sendSigned(host, '/signed', { ...echo, timestamp }), 401, 'unauthorized', /clock/)
      }
      for (const timestamp of [now - 280, now + 280]) {
        expect((await sendSigned(host, '/signed', { ...echo, timestamp })).status).toBe(200)
      }
    },
  },
  {
    id: 'signed.once',
    says: 'takes an id once: the same request again is 409, the same call under a further id runs',
    rules: ['signature.once'],
    async run(host) {
      const signed = signCall(echo)
      expect((await sendRequest(host, '/signed', echo, signed)).status).toBe(200)
      expectError(await sendRequest(host, '/signed', echo, signed), 409, 'duplicate_request_id')
      const { callId } = signed
      expect((await sendSigned(host, '/signed', { ...echo, callId, id: `${callId}.2` })).status).toBe(200)
    },
  },
  {
    id: 'signed.route',
    says: 'refuses a call that is signed for another tool, another toolkit, or under the id of another call',
    rules: ['signature.route'],
    async run(host) {
      const others: Partial<SignedCallInit>[] = [
        { tool: 'context' },
        { toolkit: 'streams' },
        { id: crypto.randomUUID() },
        { id: 'x.y' },
      ]
      for (const other of others) {
        const signed = signCall({ ...echo, ...other })
        expectError(await sendRequest(host, '/signed', echo, signed), 401, 'unauthorized')
      }
    },
  },
  {
    id: 'signed.parsed',
    says: "runs a signed call behind the app's parsers, which leave its type unread",
    rules: ['signature.raw', 'mounts.parsed'],
    async run(host) {
      const answer = await sendSigned(host, '/parsed', echo)
      expect([answer.status, answer.json]).toEqual([200, { result: { args: echo.params, token: null } }])
    },
  },
  {
    id: 'signed.body',
    says: 'refuses a signed body that is no call with 400, whatever is wrong with it',
    rules: ['bad-request', 'input.shape', 'input.cost'],
    async run(host) {
      const calls = ['', '{', '[]', '{}', '"text"', JSON.stringify({ call_id: 'a' })]
      for (const text of [...calls, ...['[]', 'null', '5'].map((params) => signedText(params))]) {
        const answer = await sendSigned(host, '/signed', { ...echo, text, callId: 'a', id: crypto.randomUUID() })
        expect([text, answer.status]).toEqual([text, 400])
      }
    },
  },
  {
    id: 'signed.not-bearer',
    says: 'asks for the signature even where a right key comes with the call, and never takes a call for arguments',
    rules: ['signature.invalid', 'media-type'],
    async run(host) {
      const authorization = `Bearer ${key}`
      const wrong = { authorization, 'webhook-signature': 'v1,AAAA' }
      expectError(await sendSigned(host, '/signed', echo, wrong), 401, 'unauthorized')
      const asJson = await sendSigned(host, '/signed', echo, { 'content-type': 'application/json' })
      expectError(asJson, 401, 'unauthorized')
    },
  },
  {
    id: 'signed.guard',
    says: "asks the app's guard as well as the signature",
    rules: ['authorize.signature', 'authorize.host', 'authorize.both'],
    async run(host) {
      expect((await sendSigned(host, '/host', quote)).status).toBe(403)
      expect((await sendSigned(host, '/host', quote, session)).status).toBe(200)
      const wrong = { ...session, 'webhook-signature': 'v1,AAAA' }
      expectError(await sendSigned(host, '/host', quote, wrong), 401, 'unauthorized')
    },
  },
  {
    id: 'signed.keys',
    says: "takes the toolkit's own signature where other keys are named, which its own key does not open",
    rules: ['authorize.signature', 'authorize.keys'],
    async run(host) {
      expect((await sendSigned(host, '/keys', quote)).status).toBe(200)
      expectError(await sendSigned(host, '/keys', { ...quote, key: contractKeys.first }), 401, 'unauthorized')
    },
  },
  {
    id: 'signed.function',
    says: 'asks the function as well as the signature, and gives its principal to the tool',
    rules: ['authorize.signature', 'authorize.function', 'authorize.principal'],
    async run(host) {
      const context = { ...echo, tool: 'context', params: {} }
      const ann = { 'x-user': 'ann' }
      expectError(await sendSigned(host, '/principal', context), 401, 'unauthorized')
      expect(await sendSigned(host, '/principal', context, ann)).toMatchObject({
        status: 200,
        json: { result: { principal: { id: 'ann' } } },
      })
      const wrong = { ...ann, 'webhook-signature': 'v1,AAAA' }
      expectError(await sendSigned(host, '/principal', context, wrong), 401, 'unauthorized')
    },
  },
]

/** Signs a call and sends it to the route it is for. */
export function sendSigned(
  host: RoutesHost,
  mount: string,
  init: SignedCallInit,
  headers: RequestHeaders = {},
): Promise<Answer> {
  return sendRequest(host, mount, init, signCall(init), headers)
}

function sendRequest(
  host: RoutesHost,
  mount: string,
  { toolkit, tool }: SignedCallInit,
  signed: SignedRequest,
  headers: RequestHeaders = {},
): Promise<Answer> {
  return send(host, `${mount}/atp/${toolkit}/${tool}/`, {
    method: 'POST',
    headers: { ...signed.headers, ...headers },
    body: new TextEncoder().encode(signed.text),
  })
}

function signedText(params: string): string {
  return `{"call_id":"a","toolkit":"probe","tool":"echo","deadline_ms":1000,"params":${params}}`
}
