import { describe, expect, it } from 'vitest'
import { AtpError, isAtpError, ToolError } from '../../src/errors/atp-error.ts'
import { errorCodes, isErrorCode } from '../../src/errors/codes.ts'

describe('AtpError', () => {
  it('takes status and retryable from its code', () => {
    expect(new AtpError('toolkit_offline', 'Nobody is there')).toMatchObject({
      name: 'AtpError',
      code: 'toolkit_offline',
      message: 'Nobody is there',
      status: 503,
      retryable: true,
      details: undefined,
    })
    expect(new AtpError('forbidden', 'No')).toMatchObject({ status: 403, retryable: false })
  })

  it('carries details, a cause, and another word on retrying', () => {
    const cause = new Error('below')
    const error = new AtpError('busy', 'Later', { cause, details: { n: 1 }, retryable: false })
    expect(error).toMatchObject({ cause, details: { n: 1 }, retryable: false })
    expect('cause' in new AtpError('busy', 'Later')).toBe(false)
  })

  it('is an Error with a stack', () => {
    expect(new AtpError('busy', 'Later')).toBeInstanceOf(Error)
    expect(new AtpError('busy', 'Later').stack).toContain('atp-error.test')
  })
})

describe('ToolError', () => {
  it('is an AtpError of code tool_error', () => {
    expect(new ToolError('No such city')).toBeInstanceOf(AtpError)
    expect(new ToolError('No such city')).toMatchObject({ name: 'ToolError', code: 'tool_error', status: 400 })
  })
})

describe('isAtpError', () => {
  it('knows errors of another copy of this package by their mark', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('atp.error')]: true })
    expect(isAtpError(foreign)).toBe(true)
    expect(isAtpError(new ToolError('x'))).toBe(true)
  })

  it('knows nothing else', () => {
    for (const other of [new Error('x'), { code: 'busy', message: 'x' }, null, undefined, 'busy', () => {}]) {
      expect(isAtpError(other)).toBe(false)
    }
  })
})

describe('isErrorCode', () => {
  it('knows every code and nothing that an object has anyway', () => {
    for (const code of Object.keys(errorCodes)) expect(isErrorCode(code)).toBe(true)
    for (const other of ['', 'nope', 'toString', '__proto__', 'constructor', 5, null, undefined]) {
      expect(isErrorCode(other)).toBe(false)
    }
  })
})
