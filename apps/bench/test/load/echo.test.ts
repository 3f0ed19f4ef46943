import { describe, expect, it } from 'vitest'
import { checkEcho, checkEchoJson, echoJson, echoParams } from '../../src/load/echo.ts'

describe('the echo', () => {
  it('takes what was sent', () => {
    expect(() => checkEcho({ ...echoParams })).not.toThrow()
    expect(() => checkEchoJson(echoJson)).not.toThrow()
  })

  it.each([[undefined], [null], [{ error: 'busy' }], [{ text: 'hello' }], ['hello']])('refuses %j', (answer) => {
    expect(() => checkEcho(answer)).toThrow('not what was sent')
    expect(() => checkEchoJson(answer)).toThrow('not what was sent')
    expect(() => checkEchoJson(JSON.stringify(answer))).toThrow('not what was sent')
  })
})
