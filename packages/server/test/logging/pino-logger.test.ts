import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generateKey } from '../../src/keys/key-format.ts'
import { createPinoLogger } from '../../src/logging/pino-logger.ts'

function record(level: 'info' | 'debug' | 'silent' = 'debug') {
  const lines: string[] = []
  return { lines, logger: createPinoLogger(level, { write: (line: string) => void lines.push(line) }) }
}

/** The one line that these fields make. */
function lineOf(fields: Record<string, unknown>): string {
  const { lines, logger } = record()
  logger.error('x', fields)
  expect(lines).toHaveLength(1)
  return lines[0] ?? ''
}

const parsed = (fields: Record<string, unknown>): unknown => JSON.parse(lineOf(fields))

it('writes one JSON line with the event, its fields and the time', () => {
  expect(parsed({ toolkit: 'x' })).toEqual({ level: 50, event: 'x', toolkit: 'x', time: expect.any(String) })
})

it('writes nothing below its level, and does not even look at the fields', () => {
  const { lines, logger } = record('info')
  const fields = {
    get toolkit(): string {
      throw new Error('looked at')
    },
  }
  logger.debug('http.request', fields)
  record('silent').logger.error('x', fields)
  expect(lines).toEqual([])
})

describe('rule L1', () => {
  it.each(['authorization', 'Set-Cookie', 'authToken', 'refresh_token', 'key', 'API_KEY', 'client_secret', 'state'])(
    'keeps a member called %s out, at any depth and in any container',
    (name) => {
      const secret = { [name]: 'canary-value' }
      const deep = [{ a: { b: [new Map([['c', secret]]), new Set([secret])] } }]
      const failed = Object.assign(new Error('x', { cause: Object.assign(new Error('y'), secret) }), {
        request: secret,
      })
      const line = lineOf({ ...secret, deep, failed, map: new Map([[name, 'canary-value']]) })
      expect(line).not.toContain('canary')
      expect(line.match(/\[redacted\]/g)).toHaveLength(6)
    },
  )

  it('keeps a key out wherever in a text it stands, in names too', () => {
    const key = generateKey('toolkit')
    const line = lineOf({ url: `/x/${key}/`, list: [`a ${key}`], [key]: 1, failed: new Error(`bad ${key}`) })
    expect(line).not.toContain(key.slice(-20))
  })

  it('keeps an OAuth code out, and the codes of errors in', () => {
    expect(parsed({ code: 'SplxlOBeZQQYbYS6WxSbIA' })).toMatchObject({ code: '[redacted]' })
    expect(parsed({ code: 'unauthorized', number: { code: 1009 }, system: { code: 'ECONNRESET' } })).toMatchObject({
      code: 'unauthorized',
      number: { code: 1009 },
      system: { code: 'ECONNRESET' },
    })
  })

  it('tells that a secret is not there', () => {
    expect(parsed({ token: null, secret: undefined, key: false })).toMatchObject({ token: null, key: false })
  })

  it('writes an error with its cause and its stack', () => {
    const error = new TypeError('outer', { cause: new Error('inner Bearer canary') })
    expect(parsed({ error })).toMatchObject({
      error: {
        name: 'TypeError',
        message: 'outer',
        stack: expect.stringContaining('pino-logger.test'),
        cause: { message: 'inner Bearer [redacted]' },
      },
    })
  })

  it('writes what is no plain data as a short text', () => {
    expect(
      parsed({
        bytes: Buffer.from('canary'),
        view: new Uint16Array(3),
        big: 12n,
        date: new Date(0),
        never: new Date(Number.NaN),
        not: Number.NaN,
        run: () => 'canary',
        symbol: Symbol('canary'),
        url: new URL('https://a:canary@b/c?canary'),
        json: { toJSON: () => 'canary' },
        gone: undefined,
      }),
    ).toEqual({
      level: 50,
      event: 'x',
      time: expect.any(String),
      bytes: '[6 bytes]',
      view: '[6 bytes]',
      big: '12n',
      date: '1970-01-01T00:00:00.000Z',
      never: 'Invalid Date',
      not: 'NaN',
      run: '[function]',
      symbol: '[symbol]',
      url: 'https://[redacted]@b/c',
      json: { toJSON: '[function]' },
    })
  })

  it('ends on cycles, on depth and on size', () => {
    const cycle: Record<string, unknown> = { name: 'a' }
    cycle.self = cycle
    let deep: unknown = 'canary'
    for (let level = 0; level < 20_000; level += 1) deep = { deep }
    const line = lineOf({ cycle, twice: [cycle, cycle], deep, wide: Array(100_000).fill(1), long: 'x'.repeat(1e7) })
    expect(JSON.parse(line)).toMatchObject({ cycle: { name: 'a', self: '[cycle]' } })
    expect(line).not.toContain('canary')
    expect(line.length).toBeLessThan(20_000)
  })

  it('writes the rest of what it can read', () => {
    expect(parsed({ inner: withBrokenGetter({ a: 1 }), b: 2 })).toMatchObject({
      inner: { a: 1, broken: '[unreadable]' },
      b: 2,
    })
  })

  it('never throws and never leaks, whatever the fields are', () => {
    const { lines, logger } = record()
    fc.assert(
      fc.property(hostileFields, fc.nat(3), (fields, which) => {
        lines.length = 0
        // Apart, because the generator itself looks into what it makes.
        const proxy = brokenProxies()[which]
        logger.error('x', { ...(fields as Record<string, unknown>), proxy, list: [proxy, new Map([[proxy, proxy]])] })
        expect(lines).toHaveLength(1)
        const [line = ''] = lines
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
        expect(line).not.toMatch(/canary/i)
        expect(JSON.parse(line)).toMatchObject({ event: 'x' })
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('rule L3', () => {
  it.each(['a\r\n{"event":"forged"}', '\n', '\r', '\u0085x', '\u2028x', '\u001b[2J'])(
    'keeps %j of input inside its line, in values and in names',
    (text) => {
      const line = lineOf({ name: text, [text]: text, list: [text], failed: new Error(text) })
      expect(line.indexOf('\n')).toBe(line.length - 1)
      expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028]/u)
    },
  )

  it('does not let a field take the place of the event', () => {
    expect(parsed({ event: 'forged', level: 10, time: 'then' })).toMatchObject({ event: 'x' })
  })
})

const secretName = fc.constantFrom(
  'token',
  'Authorization',
  'set-cookie',
  'CLIENT_SECRET',
  'apiKey',
  'state',
  'password',
)
/** Every secret of these tests holds the word, so that one search finds any leak. */
const secretText = fc.constantFrom(
  'atp_llm_canary0123456789',
  'Bearer canary',
  'https://user:canary@host/path?canary=1#canary',
  '{"auth_token":"canary"}',
  'password=canary&x=1',
  'whsec_canary',
)
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .tuple(fc.constantFrom('', 'at ', 'x="', '\n', '\u2028'), secretText, fc.constantFrom('', ' y', '\r\n'))
    .map((parts) => parts.join('')),
)
const hostileFields = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    anyText,
    fc.anything(),
    fc.bigInt(),
    fc.constant(undefined),
    fc.constant(Number.POSITIVE_INFINITY),
    fc.constant(Buffer.from('canary')),
    fc.constant(() => 'canary'),
    fc.constant(Symbol('canary')),
    fc.constant('x'.repeat(50_000)),
    tie('members'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
    fc
      .tuple(anyText, tie('value'), tie('members'))
      .map(([message, cause, members]) => Object.assign(new Error(message, { cause }), { details: members })),
    tie('members').map((members) => withCycle(members as object)),
    tie('members').map((members) => withBrokenGetter(members as object)),
    tie('members').map((members) => withToJson(members as object)),
  ),
  members: fc
    .tuple(
      fc.dictionary(fc.oneof(fc.string(), secretText, fc.constant('__proto__')), tie('value'), { maxKeys: 4 }),
      fc.dictionary(secretName, fc.oneof(fc.constant('canary'), fc.constant(['canary', { a: 'canary' }])), {
        maxKeys: 2,
      }),
    )
    .map(([plain, secret]) => ({ ...plain, ...secret })),
})).members

function withCycle(members: object): object {
  return Object.assign(members, { self: [members] })
}

function withBrokenGetter(members: object): object {
  return Object.defineProperty({ ...members }, 'broken', {
    enumerable: true,
    get() {
      throw new Error('canary')
    },
  })
}

function withToJson(members: object): object {
  return { ...members, toJSON: () => 'canary' }
}

function brokenProxies(): object[] {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const throws = (): never => {
    throw new Error('canary')
  }
  const traps = { get: throws, ownKeys: throws, getPrototypeOf: throws, getOwnPropertyDescriptor: throws }
  return [proxy, new Proxy({}, traps), new Proxy(new Map(), traps), new Proxy(new Error('x'), { get: throws })]
}
