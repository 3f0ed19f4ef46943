import { Logger, type LoggerService } from '@nestjs/common'
import { afterEach, describe, expect, it } from 'vitest'
import { nestLogger } from '../../src/logging/nest-logger.ts'

afterEach(() => {
  Logger.overrideLogger(undefined as never)
})

describe('nestLogger', () => {
  it("writes events and their fields to the app's log, at Nest's levels", () => {
    const lines: unknown[] = []
    const keep =
      (level: string) =>
      (...line: unknown[]) =>
        void lines.push([level, ...line])
    const service: LoggerService = { debug: keep('debug'), log: keep('log'), warn: keep('warn'), error: keep('error') }
    Logger.overrideLogger(service)
    const logger = nestLogger('ATP')
    logger.debug('a')
    logger.info('tool.called', { tool: 'find', ms: 3 })
    logger.warn('b', { text: 'c' })
    logger.error('d')
    expect(lines).toEqual([
      ['debug', 'a', 'ATP'],
      ['log', 'tool.called {"tool":"find","ms":3}', 'ATP'],
      ['warn', 'b {"text":"c"}', 'ATP'],
      ['error', 'd', undefined, 'ATP'],
    ])
  })
})
