import { AtpError } from '@atp/core'
import { describe, expect, it, vi } from 'vitest'
import { toUtcpError } from '../../src/errors/to-utcp-error.ts'
import {
  isUtcpError,
  UtcpError,
  UtcpProtocolCloseError,
  UtcpUnknownCallTemplateTypeError,
  UtcpValidationError,
  UtcpVariableNotFound,
  utcpErrorCodes,
} from '../../src/index.ts'

describe('a UtcpError', () => {
  it('carries what the peer said, and whether another try may help', () => {
    const cause = new Error('inner')
    const body = { error: 'slow down' }
    const error = new UtcpError('http_error', 'HTTP 429', {
      status: 429,
      body,
      retryable: true,
      retryAfterMs: 5,
      cause,
    })
    expect(error).toMatchObject({ code: 'http_error', status: 429, body, retryable: true, retryAfterMs: 5, cause })
    expect(new UtcpError('timeout', 'late').retryable).toBe(utcpErrorCodes.timeout.retryable)
    expect('cause' in new UtcpError('timeout', 'late')).toBe(false)
  })

  it('is recognised in each of its kinds, and in another copy of the package', async () => {
    const kinds = [
      new UtcpVariableNotFound(['m_A', 'm_B'], 'manual "m"'),
      new UtcpUnknownCallTemplateTypeError('grpc', [], 'x'),
      new UtcpValidationError('invalid_config', 'a.b', 'is missing'),
      new UtcpProtocolCloseError([{ part: 'protocol x', error: new Error('stuck') }]),
    ]
    for (const error of kinds) expect(error instanceof UtcpError && isUtcpError(error)).toBe(true)
    vi.resetModules()
    const copy = await import('../../src/errors/utcp-error.ts')
    expect(kinds[0]).not.toBeInstanceOf(copy.UtcpError)
    expect(copy.isUtcpError(kinds[0])).toBe(true)
    for (const value of [null, undefined, 'x', new Error('x'), {}]) expect(isUtcpError(value)).toBe(false)
  })

  it('says what happened, to what, and what to do', () => {
    expect(new UtcpVariableNotFound(['m_A', 'm_B'], 'manual "m"').message).toBe(
      'No value for the variables "m_A", "m_B" of manual "m": set it in "variables", in a variable loader or in the environment',
    )
    expect(new UtcpValidationError('invalid_config', 'a.b', 'is missing').message).toBe('a.b: is missing')
    const closed = new UtcpProtocolCloseError([
      { part: 'protocol x', error: 1 },
      { part: 'repository', error: 2 },
    ])
    expect(closed.message).toBe('Not closed cleanly: protocol x, repository')
  })
})

describe('what is no UtcpError', () => {
  it('becomes one with the cause, translated where ATP has a code for it', () => {
    const own = new UtcpError('busy', 'full')
    expect(toUtcpError(own, 'call_failed', 'The call')).toBe(own)
    const cause = new AtpError('upstream_timeout', 'late')
    expect(toUtcpError(cause, 'call_failed', 'The call')).toMatchObject({
      code: 'timeout',
      message: 'The call: late',
      cause,
    })
    const other = new AtpError('forbidden', 'no')
    expect(toUtcpError(other, 'call_failed', 'The call')).toMatchObject({ code: 'call_failed', cause: other })
  })

  it.each([
    ['a text', 'x', 'The call: x'],
    ['nothing', undefined, 'The call: undefined'],
    ['an object that cannot be a text', Object.create(null), 'The call: a value'],
    ['an error without a message', new TypeError(), 'The call: TypeError'],
  ])('becomes one whatever it is: %s', (_, thrown, message) => {
    const error = toUtcpError(thrown, 'call_failed', 'The call')
    expect(error.code).toBe('call_failed')
    expect(error.message.startsWith(message) || error.message.startsWith('The call: The tool failed')).toBe(true)
    expect(toUtcpError(new Error('x'.repeat(5_000)), 'call_failed', 'y').message.length).toBeLessThan(2_100)
  })
})
