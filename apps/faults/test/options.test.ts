import { describe, expect, it } from 'vitest'
import type { Fault } from '../src/fault.ts'
import { readOptions } from '../src/options.ts'

const fault = (name: string): Fault => ({ name, summary: `breaks ${name}`, run: () => Promise.reject(new Error('no')) })
const faults = [fault('a'), fault('b'), fault('c')]

function read(...args: string[]): { options: ReturnType<typeof readOptions>; text: string } {
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  return { options: readOptions(args, faults, { out: write, err: write }), text }
}

describe('the options', () => {
  it('run everything once, in a few minutes, and write nothing, unless told otherwise', () => {
    expect(read().options).toEqual({
      faults,
      size: 'quick',
      times: 1,
      databaseUrl: 'postgres://postgres@127.0.0.1:5432/postgres',
      json: undefined,
      write: false,
      mutants: false,
    })
  })

  it('take what is said', () => {
    const { options } = read(
      '--full',
      '--only',
      'c, a',
      '--times',
      '3',
      '--json',
      'x.json',
      '--write',
      '--database-url',
      'u',
    )
    expect(options).toMatchObject({
      faults: [faults[0], faults[2]],
      size: 'full',
      times: 3,
      json: 'x.json',
      write: true,
    })
    expect(read('--smoke', '--mutants').options).toMatchObject({ size: 'smoke', mutants: true })
  })

  it.each([
    [['--only', 'nothing'], 'There is no fault "nothing"; use a, b, c.'],
    [['--times', '0'], 'whole number from 1 to 100'],
    [['--times', '1.5'], 'whole number from 1 to 100'],
    [['--full', '--smoke'], 'cannot be used with'],
    [['--unheard-of'], 'unknown option'],
    [['something'], 'too many arguments'],
  ])('refuse %j', (args, message) => {
    const { options, text } = read(...args)
    expect(options).toEqual({ exitCode: 2 })
    expect(text).toContain(message)
  })

  it('list every fault in their help', () => {
    const { options, text } = read('--help')
    expect(options).toEqual({ exitCode: 0 })
    for (const { name, summary } of faults) expect(text).toMatch(new RegExp(`${name} +${summary}`))
  })
})
