import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generateKey } from '../../src/keys/key-format.ts'
import { isErrorCodeText, isSecretName, maxTextLength, redactText } from '../../src/logging/redact-text.ts'
import { generateMasterKey } from '../../src/vault/master-keys.ts'

const key = generateKey('llm')
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ'

it.each([
  ['a key', `the key ${key} is wrong`, 'the key [redacted] is wrong'],
  ['a piece of a key', `cut: ${key.slice(0, 14)}`, 'cut: [redacted]'],
  ['a key in a path', `/ws/v1/atp/toolkit-client/${key}/`, '/ws/v1/atp/toolkit-client/[redacted]/'],
  ['a percent-encoded key', `/inbox/${key.replaceAll('_', '%5F')}/`, '/inbox/[redacted]/'],
  ['a key of a kind to come', `atp_endpoint_${key.slice(8)}`, '[redacted]'],
  ['an Authorization value', 'sent Bearer gho_canary.1-2~3, twice', 'sent Bearer [redacted], twice'],
  ['an Authorization header', 'Authorization: Bearer canary', 'Authorization: [redacted]'],
  ['cookies', 'sent Cookie: a=canary; b=canary\nnext', 'sent Cookie: [redacted]\nnext'],
  ['the Python SDK’s header', 'ApiKey canary', 'ApiKey [redacted]'],
  ['a password of HTTP', 'Basic dXNlcjpjYW5hcnk=', 'Basic [redacted]'],
  ['a webhook secret', 'whsec_Y2FuYXJ5Y2FuYXJ5', '[redacted]'],
  ['a JSON Web Token', `got ${jwt} back`, 'got [redacted] back'],
  ['an encryption key', `keys ${generateMasterKey().entry.replace(/^[^:]*/, 'k1')}`, 'keys k1:[redacted]'],
  ['a database password', 'cannot reach postgres://atp:canary@db/atp', 'cannot reach postgres://[redacted]@db/atp'],
  ['a password with "/" and "@"', 'postgres://atp:can/a@ry@db/atp', 'postgres://[redacted]@db/atp'],
  ['a token before a host', 'https://canary@example.com/x', 'https://[redacted]@example.com/x'],
  ['a query', 'GET https://example.com/cb?code=canary&state=canary failed', 'GET https://example.com/cb failed'],
  ['a query of a path', 'GET /callback?code=canary', 'GET /callback'],
  ['a fragment', 'https://example.com/#access_token=canary', 'https://example.com/'],
  ['a form', 'grant_type=x&code=canary&client_secret=canary', 'grant_type=x&code=[redacted]&client_secret=[redacted]'],
  ['a piece of JSON', '{"auth_token":"can\\"ary","a":1}', '{"auth_token":[redacted],"a":1}'],
  ['JSON cut short', 'Unexpected end of {"api_key": "canary', 'Unexpected end of {"api_key": [redacted]'],
  ['JSON in JSON', '"{\\"password\\":\\"canary\\"}"', '"{\\"password\\":[redacted]}"'],
  [
    'a quote in JSON in JSON',
    JSON.stringify(JSON.stringify({ token: 'can"ary', a: 1 })),
    '"{\\"token\\":[redacted],\\"a\\":1}"',
  ],
  ['JSON with a state', '{"state":"canary","key":"canary"}', '{"state":[redacted],"key":[redacted]}'],
  ['a setting', 'ATP_ENCRYPTION_KEYS=canary', 'ATP_ENCRYPTION_KEYS=[redacted]'],
])('takes %s out of a text', (_what, text, expected) => {
  expect(redactText(text)).toBe(expected)
})

it.each([
  'Port 4870 on 127.0.0.1 is in use; stop what uses it',
  'http://127.0.0.1:4870',
  'connect ECONNREFUSED 127.0.0.1:5432',
  '0198c0de-0000-7000-8000-000000000001',
  '2026-11-21T09:54:32.000Z',
  '/api/v2/keys/:id',
  'at run (file:///app/node_modules/.pnpm/fastify@5.12.8/node_modules/fastify/lib/route.js:12:3)',
  'The API key is malformed, unknown, revoked or expired: check it or make a new one',
  'Is it yes? No. "state" and key are words',
  `sha256 ${'0123456789abcdef'.repeat(4)}`,
])('leaves %j as it is', (text) => {
  expect(redactText(text)).toBe(text)
})

it('cuts what is long, and leaves no piece of a secret at the cut', () => {
  for (const [before, secret] of [
    ['postgres://atp:', 'canary'.repeat(10)],
    ['Bearer ', 'canary'.repeat(10)],
    ['', generateKey('admin').replace(/.{20}$/, 'canarycanarycanary12')],
  ] as const) {
    for (let left = 1; left < 60; left += 7) {
      const text = `${' '.repeat(maxTextLength - before.length - left)}${before}${secret}@db/x ${'y'.repeat(100_000)}`
      expect(redactText(text).length).toBeLessThan(maxTextLength + 100)
      expect(redactText(text)).not.toContain('can')
    }
  }
})

it('finds a secret whatever stands around it', () => {
  const around = fc.array(
    fc.oneof(
      fc.constantFrom(
        ' ',
        '\n',
        '\t',
        '"',
        "'",
        '(',
        ')',
        ',',
        ';',
        '=',
        ':',
        '{',
        '[',
        '<',
        '>',
        '…',
        '\\"',
        '&',
        '?',
        '/',
        '|',
      ),
      fc.constantFrom('error', 'at', 'https://', 'a@b', 'key', 'token', '"state":', 'Bearer', '=='),
    ),
    { maxLength: 6 },
  )
  const separator = fc.constantFrom(' ', '\n', '"', '(', '{', '[', ',', ';', '\\"', '…')
  const secret = fc.constantFrom(
    'atp_llm_canary0123456789',
    'Bearer canary',
    'ApiKey canary',
    'Basic canarycanary=',
    'https://user:canary@host/path?canary=1#canary',
    'postgres://canary@host/path',
    '{"auth_token":"canary"}',
    '{\\"api_key\\": \\"canary\\"}',
    "{ password: 'canary' }",
    'client_secret=canary&x=1',
    'whsec_canary',
    'eyJcanaryx.canary.canary',
    'Set-Cookie: canary',
  )
  fc.assert(
    fc.property(around, separator, secret, separator, around, (before, left, written, right, after) => {
      const text = [...before, left, written, right, ...after].join('')
      expect(redactText(text)).not.toContain('canary')
      expect(redactText(redactText(text))).not.toContain('canary')
    }),
    { numRuns: 5_000 },
  )
})

it('replaces control characters that would reach a terminal as they are', () => {
  expect(redactText('\u009b31m red \u007f \u2028 x')).toBe('\ufffd31m red \ufffd \ufffd x')
})

it('does not slow down on texts made for it', () => {
  for (const piece of [
    'a',
    '://',
    '://:',
    '://a:',
    '@://',
    '/',
    'h+',
    'atp_',
    'atp_a',
    'bearer ',
    '/?',
    '"token":"',
    'token=',
    'eyJaaaaaa.',
    'A+',
  ]) {
    const text = piece.repeat(maxTextLength).slice(0, maxTextLength - 1)
    const before = process.cpuUsage()
    for (const end of ['', '?', '@']) redactText(text + end)
    const { user } = process.cpuUsage(before)
    // Some milliseconds of work, where what backtracks takes half a second to minutes; this is no measurement.
    expect(user, piece).toBeLessThan(250_000)
  }
})

describe('a member', () => {
  it.each([
    'authorization',
    'Authorization',
    'Cookie',
    'Set-Cookie',
    'token',
    'access_token',
    'refresh_token',
    'authToken',
    'auth_token',
    'AUTH_TOKEN',
    'X-ATP-Auth-Token',
    'secret',
    'client_secret',
    'clientSecret',
    'password',
    'key',
    'api_key',
    'apiKey',
    'state',
    'code_verifier',
    'encryptionKeys',
    'ATP_ENCRYPTION_KEYS',
    'databaseUrl',
    'DATABASE_URL',
  ])('called %s is a secret', (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  it.each(['keyId', 'key_id', 'toolkit', 'toolkitId', 'requestId', 'tools', 'reason', 'error', 'status', 'url'])(
    'called %s is none',
    (name) => {
      expect(isSecretName(name)).toBe(false)
    },
  )

  it('called code is readable where it is the code of an error', () => {
    for (const code of ['unauthorized', 'ECONNREFUSED', 'ERR_HTTP_REQUEST_TIMEOUT', 'FST_ERR_BAD_URL', '57P01']) {
      expect(isErrorCodeText(code), code).toBe(true)
    }
    for (const code of ['4/0AX4XfWh-canary', 'SplxlOBeZQQYbYS6WxSbIA', 'canary', 'a1b2c3d4e5f6', '']) {
      expect(isErrorCodeText(code), code).toBe(false)
    }
  })
})
