import { AtpError } from '@atp/core'
import { DatabaseError } from 'pg'
import { describe, expect, it } from 'vitest'
import { isConnectionLost, reasonOf, toStoreError } from '../../../src/store/postgres/store-errors.ts'
import { storeUnavailable } from '../../../src/store/store-unavailable.ts'

function reported(code: string): DatabaseError {
  return Object.assign(new DatabaseError('what the database says', 1, 'error'), { code, severity: 'ERROR' })
}

function system(code: string, message = ''): Error {
  return Object.assign(new Error(message), { code })
}

describe('an error of the driver', () => {
  it.each([
    ['a lost connection', reported('08006')],
    ['a server that stops', reported('57P01')],
    ['a server that starts', reported('57P03')],
    ['too many connections', reported('53300')],
    ['a full disk', reported('53100')],
    ['a password that was changed', reported('28P01')],
    ['a database that was dropped', reported('3D000')],
    ['a server that became a standby', reported('25006')],
    ['a refused connection', system('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5432')],
    ['a name without an address', system('ENOTFOUND')],
    ['a connection that ended', new Error('Connection terminated unexpectedly')],
    ['a connection that was not made in time', new Error('timeout exceeded when trying to connect')],
    ['a client that broke before', new Error('Client has encountered a connection error and is not queryable')],
  ])('is the same for all that waits when it is %s, and costs the connection', (_what, error) => {
    expect(toStoreError(error)).toMatchObject({
      code: 'store_unavailable',
      status: 503,
      retryable: true,
      details: { retryAfterMs: 1_000 },
      message: storeUnavailable().message,
      cause: error,
    })
    expect(isConnectionLost(error)).toBe(true)
  })

  it('is the same for a statement that took too long, and leaves the connection', () => {
    expect(toStoreError(reported('57014'))).toMatchObject({ code: 'store_unavailable' })
    expect(isConnectionLost(reported('57014'))).toBe(false)
  })

  it.each([
    ['a duplicate', reported('23505')],
    ['a wrong statement', reported('42601')],
    ['a defect', new TypeError('not a function')],
    ['a text', 'thrown'],
    ['an error of ours', new AtpError('not_found', 'There is no key')],
  ])('stays what it is when it is %s', (_what, error) => {
    expect(toStoreError(error)).toBe(error)
    expect(isConnectionLost(error)).toBe(false)
  })

  it('has a reason, also where its message is empty', () => {
    expect(reasonOf(system('ECONNREFUSED'))).toBe('ECONNREFUSED')
    expect(reasonOf(new Error('because'))).toBe('because')
    expect(reasonOf('thrown')).toBe('thrown')
  })
})
