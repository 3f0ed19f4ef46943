import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AtpError } from '../../src/errors/atp-error.ts'
import { encodeFrame, encodeResult, errorFrame } from '../../src/protocol/codec.ts'
import type { Frame } from '../../src/protocol/frames.ts'
import { type Direction, decoders, frameFixtures, takenBy } from './frame-fixtures.ts'

const directions = Object.keys(decoders) as Direction[]
const taken = directions.flatMap((direction) => takenBy[direction].map((name) => ({ direction, name })))

function fixture(name: string): Record<string, unknown> {
  const found = frameFixtures.get(name)
  if (!found) throw new Error(`No fixture ${name}`)
  return structuredClone(found)
}

function decode(direction: Direction, wire: unknown): Frame {
  const decoded = decoders[direction](typeof wire === 'string' ? wire : JSON.stringify(wire))
  if (!decoded.ok) throw decoded.error
  return decoded.frame
}

function refusal(
  direction: Direction,
  wire: unknown,
): { code: string; message: string; requestId: string | undefined } {
  const decoded = decoders[direction](typeof wire === 'string' ? wire : JSON.stringify(wire))
  if (decoded.ok) throw new Error(`Taken: ${JSON.stringify(decoded.frame)}`)
  return { code: decoded.error.code, message: decoded.error.message, requestId: decoded.requestId }
}

const call = fixture('call-to-toolkit')

describe('every frame', () => {
  it('has a fixture that some direction takes', () => {
    expect([...new Set(taken.map(({ name }) => name))].sort()).toEqual([...frameFixtures.keys()].sort())
  })

  it.each(taken)(
    '$name survives $direction: written again, it is the very text that was read',
    ({ direction, name }) => {
      const text = JSON.stringify(fixture(name))
      expect(encodeFrame(decode(direction, text))).toBe(text)
    },
  )

  it.each(taken)('$name from $direction has camelCase members only', ({ direction, name }) => {
    const frame = decode(direction, fixture(name))
    for (const member of Object.keys(frame)) expect(member).toMatch(/^[a-zA-Z]+$/)
  })

  it.each(taken)(
    '$name from $direction may have members of a newer protocol, which are left out',
    ({ direction, name }) => {
      const plain = decode(direction, fixture(name))
      expect(decode(direction, { ...fixture(name), future: { deep: [1] }, requestId: 'camel' })).toEqual(plain)
    },
  )

  it.each(taken)('$name from $direction may leave out or null what is optional', ({ direction, name }) => {
    const wire = fixture(name)
    for (const member of Object.keys(wire)) {
      const { [member]: _, ...without } = wire
      const decoded = decoders[direction](JSON.stringify(without))
      const nulled = decoders[direction](JSON.stringify({ ...wire, [member]: null }))
      // A member that can be missing can be null with the same meaning, except lists and flags with a default.
      const differs = ['capabilities', 'rejected', 'resend', 'progress', 'data', 'result', 'endpoint_url']
      if (decoded.ok && !differs.includes(member)) {
        expect(nulled).toEqual(decoded)
      }
    }
  })

  for (const direction of directions) {
    const others = [...frameFixtures.keys()].filter((name) => !takenBy[direction].includes(name))
    it.each(others)(`%s is refused ${direction}, with its request id`, (name) => {
      const wire = fixture(name)
      expect(refusal(direction, wire)).toMatchObject({ code: 'invalid_request', requestId: wire.request_id })
    })
  }
})

describe('a frame that cannot be read', () => {
  it.each(['', ' ', '{', 'nope', '{"type":"call"', '\u0000', '[1,]', "{'type':'ack'}"])(
    'is invalid_json when it is %j',
    (text) => {
      for (const direction of directions) {
        expect(refusal(direction, text)).toMatchObject({ code: 'invalid_json', requestId: undefined })
      }
    },
  )

  it.each(['null', '5', '"call"', '[]', 'true'])('is invalid_request when it is the JSON %s', (text) => {
    expect(refusal('toToolkit', text)).toMatchObject({
      code: 'invalid_request',
      message: 'A frame must be a JSON object',
      requestId: undefined,
    })
  })

  it('names the unknown type and those that are known here', () => {
    expect(refusal('fromLlm', { type: 'register', request_id: 'r1' })).toEqual({
      code: 'invalid_request',
      message: 'A frame of type "register" is not taken here; known are hello, context, call, cancel, error',
      requestId: 'r1',
    })
    expect(refusal('fromLlm', { request_id: 'r1' }).message).toContain('A frame of type that is missing')
    for (const type of ['constructor', '__proto__', 'toString', 5, null, {}, ['call']]) {
      expect(refusal('fromLlm', { type, request_id: 'r1' })).toMatchObject({ code: 'invalid_request', requestId: 'r1' })
    }
    expect(refusal('fromLlm', { type: 'x'.repeat(5_000) }).message.length).toBeLessThan(200)
  })

  it('names the member that is wrong', () => {
    expect(refusal('toToolkit', { ...call, params: [1], deadline_ms: -1 })).toEqual({
      code: 'invalid_request',
      message: 'Frame "call": params: must be an object; deadline_ms: Too small: expected number to be >=0',
      requestId: call.request_id,
    })
  })

  it.each(['ack', 'progress', 'chunk', 'result-success', 'register', 'unregister'])('has no request id: %s', (name) => {
    const { request_id: _, ...wire } = fixture(name)
    expect(refusal('fromToolkit', wire)).toMatchObject({ code: 'invalid_request', requestId: undefined })
    expect(refusal('fromToolkit', wire).message).toContain('request_id')
    for (const id of [5, '', 'x'.repeat(129), {}]) {
      expect(refusal('fromToolkit', { ...wire, request_id: id }).message).toContain('request_id')
    }
  })

  it('hides no member behind __proto__ or constructor.prototype', () => {
    const text = JSON.stringify(call)
    for (const trap of ['"__proto__":{"admin":true}', '"constructor":{"prototype":{"admin":true}}']) {
      for (const poisoned of [`{${trap},${text.slice(1)}`, text.replace('"pattern"', `${trap},"pattern"`)]) {
        expect(refusal('toToolkit', poisoned)).toMatchObject({ code: 'invalid_json', requestId: call.request_id })
      }
    }
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
  })

  it('carries arguments of more than 64 levels', () => {
    expect(decode('toToolkit', { ...call, params: nested(64) })).toMatchObject({ type: 'call' })
    expect(refusal('toToolkit', { ...call, params: nested(65) })).toMatchObject({
      code: 'invalid_json',
      requestId: call.request_id,
    })
  })

  it('is nested a hundred thousand levels deep', () => {
    const text = `{"type":"call","request_id":"r1","params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(refusal('toToolkit', text)).toMatchObject({ code: 'invalid_json', requestId: 'r1' })
  })

  it('carries more than 10,000 members from a caller', () => {
    const list = Array(10_001).fill(0)
    for (const direction of ['toToolkit', 'fromLlm'] as const) {
      const wire = fixture(direction === 'toToolkit' ? 'call-to-toolkit' : 'call-from-llm')
      expect(refusal(direction, { ...wire, params: { list } })).toMatchObject({
        code: 'invalid_json',
        message: 'JSON has more than 10000 members',
        requestId: wire.request_id,
      })
    }
    expect(refusal('fromToolkit', { type: 'unheard_of', request_id: 'r1', list }).code).toBe('invalid_json')
  })

  it.each(['result-success', 'progress', 'chunk', 'register'])(
    'is not a %s of 20,000 members, whose size is limited in bytes',
    (name) => {
      const rows = Array(20_000).fill(0)
      const member = { 'result-success': 'result', progress: 'progress', chunk: 'data', register: 'tools' }[
        name
      ] as string
      const wire = { ...fixture(name), [member]: name === 'register' ? Array(400).fill(rows.slice(0, 50)) : rows }
      expect(encodeFrame(decode('fromToolkit', wire))).toBe(JSON.stringify(wire))
    },
  )
})

describe('single members', () => {
  it('takes a result of null, false or nothing', () => {
    const wire = fixture('result-success')
    for (const result of [null, false, 0, '']) expect(decode('toLlm', { ...wire, result })).toMatchObject({ result })
    const { result: _, ...without } = wire
    expect(decode('toLlm', without)).toMatchObject({ ok: true, result: null })
    expect(decode('toLlm', { ...wire, error: null })).toEqual(decode('toLlm', wire))
  })

  it('wants an error in a result that failed', () => {
    const { error: _, ...wire } = fixture('result-failure')
    for (const bad of [wire, { ...wire, error: null }]) {
      expect(refusal('toLlm', bad).message).toBe('Frame "result": error: must be there when ok is false')
    }
  })

  it('takes an error code of a newer peer for a failed tool, and limits the message', () => {
    const error = { code: 'quota_of_the_future', message: 'x'.repeat(9_000), retryable: true }
    const frame = decode('toLlm', { ...fixture('result-failure'), error })
    expect(frame).toMatchObject({ error: { code: 'tool_error', message: 'x'.repeat(2_000), retryable: true } })
    expect(decode('toLlm', { ...fixture('error'), error: { code: 'busy', message: 'm' } })).toMatchObject({
      error: { code: 'busy', message: 'm', retryable: false },
    })
  })

  it('takes an error that belongs to no request, or to one whose id is empty', () => {
    const { request_id: _, ...wire } = fixture('error')
    expect(decode('toToolkit', wire)).toMatchObject({ type: 'error', requestId: undefined })
    expect(decode('toToolkit', { ...wire, request_id: '' })).toMatchObject({ requestId: '' })
  })

  it('refuses a hello of another protocol or with a name no toolkit can have', () => {
    const wire = fixture('hello')
    expect(refusal('fromToolkit', { ...wire, protocol: 3 }).message).toContain('protocol')
    expect(refusal('fromToolkit', { ...wire, app_name: 'a\nb' }).message).toContain('app_name')
    expect(refusal('fromToolkit', { ...wire, max_concurrency: 0 }).message).toContain('max_concurrency')
    const { capabilities: _, ...bare } = wire
    expect(decode('fromToolkit', bare)).toMatchObject({ capabilities: [] })
  })

  it('takes as many running calls as a toolkit may have, and results beside them', () => {
    const ids = Array.from({ length: 65_536 + 1_024 }, (_, index) => `c${index}`)
    expect(decode('fromToolkit', { type: 'running', request_ids: ids })).toEqual({ type: 'running', requestIds: ids })
    expect(refusal('fromToolkit', { type: 'running', request_ids: [...ids, 'one'] }).message).toContain('request_ids')
    for (const wrong of [['', 'c1'], [5], 'c1', null]) {
      expect(refusal('fromToolkit', { type: 'running', request_ids: wrong }).message).toContain('request_ids')
      expect(refusal('toToolkit', { type: 'received', request_ids: wrong }).message).toContain('request_ids')
    }
  })

  it('takes what an app is told of, but no event that none knows', () => {
    const wire = fixture('call-of-app')
    expect(decode('fromLlm', { ...wire, app: { session_id: 's1', event: 'close', data: null } })).toMatchObject({
      app: { sessionId: 's1', event: 'close', data: null },
    })
    expect(refusal('fromLlm', { ...wire, app: { session_id: 's1', event: 'pause' } }).message).toContain('app.event')
    expect(refusal('fromLlm', { ...wire, idempotency_key: '' }).message).toContain('idempotency_key')
    expect(refusal('fromLlm', { ...wire, idempotency_key: 'x'.repeat(256) }).message).toContain('idempotency_key')
  })

  it('keeps a register frame that takes the endpoint away apart from one that leaves it as it is', () => {
    const { endpoint_url: _, ...wire } = fixture('register-endpoint')
    expect(decode('fromToolkit', wire)).toMatchObject({ endpointUrl: undefined })
    expect(decode('fromToolkit', { ...wire, endpoint_url: null })).toMatchObject({ endpointUrl: null })
  })

  it('keeps a register frame without tools apart from one with an empty list', () => {
    const { tools: _, ...wire } = fixture('register')
    expect(decode('fromToolkit', wire)).toMatchObject({ tools: undefined })
    expect(decode('fromToolkit', { ...wire, tools: [] })).toMatchObject({ tools: [] })
  })
})

describe('encoding', () => {
  it('leaves out what is undefined', () => {
    expect(encodeFrame({ type: 'cancel', requestId: 'c1', reason: undefined })).toBe(
      '{"type":"cancel","request_id":"c1"}',
    )
  })

  it('wraps a result that is JSON text already into the same frame as encodeFrame', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.jsonValue(),
        fc.option(fc.string(), { nil: undefined }),
        fc.option(fc.string(), { nil: undefined }),
        (requestId, result, callId, leaseId) => {
          const wrapped = encodeResult(requestId, JSON.stringify(result), { callId, leaseId })
          expect(JSON.parse(wrapped)).toEqual(
            JSON.parse(encodeFrame({ type: 'result', requestId, callId, leaseId, ok: true, result })),
          )
        },
      ),
    )
  })

  it('writes an error of ours with its code and masks any other', () => {
    expect(JSON.parse(encodeFrame(errorFrame(new AtpError('busy', 'Later'), 'c1')))).toEqual({
      type: 'error',
      request_id: 'c1',
      error: { code: 'busy', message: 'Later', retryable: true },
    })
    expect(encodeFrame(errorFrame(new Error('secret')))).not.toContain('secret')
  })

  it('refuses a frame it does not know', () => {
    expect(() => encodeFrame({ type: 'nope' } as never)).toThrow(TypeError)
  })
})

describe('junk', () => {
  const requestId = fc.string({ maxLength: 128 })
  const anyFixture = fc.constantFrom(...frameFixtures.values())
  const mutated = fc
    .tuple(anyFixture, fc.dictionary(fc.constantFrom(...memberNames()), fc.jsonValue(), { maxKeys: 4 }), requestId)
    .map(([wire, changes, id]) => JSON.stringify({ ...wire, ...changes, request_id: id }))
  const chopped = fc.tuple(anyFixture, fc.nat(400)).map(([wire, length]) => JSON.stringify(wire).slice(0, length))

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), mutated, chopped), (text) => {
        for (const direction of directions) {
          const decoded = decoders[direction](text)
          if (!decoded.ok) expect(decoded.error).toBeInstanceOf(AtpError)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('always tells the request id when it could be read', () => {
    fc.assert(
      fc.property(requestId, fc.dictionary(fc.string(), fc.jsonValue()), mutated, (id, members, text) => {
        const known = JSON.parse(text) as { request_id: string }
        for (const [wire, expected] of [
          [JSON.stringify({ ...members, request_id: id }), id],
          [text, known.request_id],
        ] as const) {
          for (const direction of directions) {
            const decoded = decoders[direction](wire)
            if (decoded.ok) expect(encodeFrame(decoded.frame)).toContain(idOf(decoded.frame, expected))
            else expect(decoded.requestId).toBe(expected)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** The id as it must stand in the frame; frames that belong to no request have none. */
function idOf({ type }: Frame, requestId: string): string {
  return ['hello', 'welcome', 'drain', 'received', 'running'].includes(type)
    ? ''
    : `"request_id":${JSON.stringify(requestId)}`
}

function memberNames(): string[] {
  return [...new Set([...frameFixtures.values()].flatMap((wire) => Object.keys(wire)))]
}

function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {}
  for (let level = 1; level < levels; level += 1) value = { value }
  return value
}
