import { expect, it } from 'vitest'
import { createPinoLogger } from '../../src/logging/pino-logger.ts'

function record(level: 'info' | 'debug' | 'silent' = 'debug') {
  const lines: string[] = []
  return { lines, logger: createPinoLogger(level, { write: (line: string) => void lines.push(line) }) }
}

it('writes one JSON line with the event, its fields and the time', () => {
  const { lines, logger } = record()
  logger.info('toolkit.connected', { toolkit: 'x' })
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    event: 'toolkit.connected',
    toolkit: 'x',
    time: expect.any(String),
  })
})

it('writes nothing below its level', () => {
  const { lines, logger } = record('info')
  logger.debug('http.request')
  record('silent').logger.error('x')
  expect(lines).toEqual([])
})

it.each([
  'authorization',
  'cookie',
  'token',
  'authToken',
  'auth_token',
  'key',
  'apiKey',
  'api_key',
  'secret',
  'code_verifier',
])('never writes a member called %s, at the top or one level below', (name) => {
  const { lines, logger } = record()
  logger.error('x', { [name]: 'canary-value', inner: { [name]: 'canary-value' } })
  expect(lines.join()).not.toContain('canary-value')
})

it('never writes a key, wherever in a text it stands', () => {
  const { lines, logger } = record()
  logger.warn('x', { url: '/ws/v1/atp/toolkit-client/atp_toolkit_0123456789abcdefghijABCDEFGHIJ/' })
  expect(lines.join()).not.toContain('0123456789abcdef')
})

it('keeps line breaks of input inside one line', () => {
  const { lines, logger } = record()
  logger.warn('x', { name: 'a\r\n{"event":"forged"}' })
  expect(lines).toHaveLength(1)
  expect(lines[0]?.trimEnd()).not.toContain('\n')
})
