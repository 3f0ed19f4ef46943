import { expect, it } from 'vitest'
import { readEnvironment } from '../src/config.ts'

it('reads the variables of a server and ignores empty ones', () => {
  expect(
    readEnvironment({ PORT: '8080', ATP_DATA: '/data', ATP_HOST: '', ATP_LOG_LEVEL: 'debug', OTHER: 'x' }),
  ).toEqual({
    port: 8080,
    data: '/data',
    host: undefined,
    logLevel: 'debug',
  })
})

it('reports all variables it cannot use at once', () => {
  expect(() => readEnvironment({ PORT: 'http', ATP_LOG_LEVEL: 'loud' })).toThrow(/PORT.*ATP_LOG_LEVEL/)
})
