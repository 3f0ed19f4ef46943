import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../src/exit-errors.ts'
import { readParams } from '../src/params.ts'
import { temporaryFolder } from './run-atp.ts'

function read(given: string[], place: { stdin?: string | Buffer[]; cwd?: string; env?: Record<string, string> } = {}) {
  const stdin = Readable.from(typeof place.stdin === 'string' ? [place.stdin] : (place.stdin ?? []))
  return readParams(given, { stdin, cwd: place.cwd ?? '/', env: place.env ?? {} })
}

describe('readParams', () => {
  it('takes key=value, as JSON where it is JSON', async () => {
    const given = [
      'name=Alice',
      'count=3',
      'deep={"a":[1]}',
      'on=true',
      'none=null',
      'text="5"',
      'empty=',
      'equation=a=b',
    ]
    expect(await read(given)).toEqual({
      name: 'Alice',
      count: 3,
      deep: { a: [1] },
      on: true,
      none: null,
      text: '5',
      empty: '',
      equation: 'a=b',
    })
  })

  it('keeps numbers as text that would become other numbers', async () => {
    expect(await read(['id=12345678901234567890', 'far=1e999', 'ratio=0.1', 'ok=9007199254740991'])).toEqual({
      id: '12345678901234567890',
      far: '1e999',
      ratio: 0.1,
      ok: 9007199254740991,
    })
  })

  it('takes a JSON object, and lets later ones win', async () => {
    expect(await read([' {"a": 1, "b": 2}', 'b=3'])).toEqual({ a: 1, b: 3 })
  })

  it('gives no params when nothing is given', async () => {
    expect(await read([])).toEqual({})
  })

  it('reads a file, from the folder in which npm was run', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'params.json'), '\ufeff{"from": "file"}')
    expect(await read(['@params.json'], { cwd: '/', env: { INIT_CWD: folder } })).toEqual({ from: 'file' })
    expect(await read(['@params.json'], { cwd: folder })).toEqual({ from: 'file' })
  })

  it('reads stdin, whose chunks may cut a character', async () => {
    const bytes = Buffer.from('{"name": "Zoë"}')
    expect(await read(['-'], { stdin: [bytes.subarray(0, 13), bytes.subarray(13)] })).toEqual({ name: 'Zoë' })
  })

  it.each([
    [['{"a":'], 'The JSON of --params cannot be read: Not valid JSON'],
    [['[1]'], 'The JSON of --params must be a JSON object, such as \'{"name": "Alice"}\''],
    [['"text"'], 'must be a JSON object'],
    [['{"__proto__": {"x": 1}}'], '"__proto__"'],
    [['word'], '"word" is no parameter: write key=value'],
    [['=value'], '"=value" is no parameter'],
    [['@/no/such/file.json'], 'Cannot read the params file: ENOENT'],
    [['@'], 'Cannot read the params file: EISDIR'],
    [['-'], 'stdin cannot be read'],
  ])('says what is wrong with %j', async (given, message) => {
    const failure = await read(given).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UsageError)
    expect((failure as Error).message).toContain(message)
  })

  it('stops reading an endless stdin', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield 'x'.repeat(64 * 1024)
      })(),
    )
    await expect(readParams(['-'], { stdin: endless, cwd: '/', env: {} })).rejects.toThrow('stdin is too large')
  })

  it('answers any text with an object or a UsageError, and no name can reach a prototype', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.json(), fc.constant('__proto__={"x":1}'))), async (texts) => {
        const result = await read(texts.filter((text) => text !== '-' && !text.startsWith('@'))).catch(
          (error: unknown) => error,
        )
        if (result instanceof UsageError) return
        expect(Object.getPrototypeOf(result)).toBe(Object.prototype)
        expect((result as { x?: unknown }).x).toBeOneOf([undefined, ...Object.values(result as object)])
      }),
    )
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })
})
