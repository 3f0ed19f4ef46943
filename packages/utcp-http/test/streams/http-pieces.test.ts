import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { httpPieces, wholeResult } from '../../src/streams/http-pieces.ts'
import { answerOf, bytesOf, cutAt, cuts } from '../support/bytes.ts'

const ndjson = 'application/x-ndjson'
const limits = { chunkSize: 4_096, maxBytes: 1_000_000 }

async function pieces(chunks: Uint8Array<ArrayBuffer>[], type: string, changes: Partial<typeof limits> = {}) {
  const list: unknown[] = []
  for await (const piece of httpPieces(answerOf(chunks, type), { ...limits, ...changes })) list.push(piece)
  return list
}

describe('an answer of NDJSON', () => {
  it('is one value a line, without blank lines; the last line needs no end', async () => {
    const text = '{"a":1}\n\n  \r\n[2]\r"three"\n4'
    expect(await pieces([bytesOf(text)], ndjson)).toEqual([{ a: 1 }, [2], 'three', 4])
    expect(await wholeResult(answerOf([bytesOf(text)], ndjson), 1_000)).toEqual([{ a: 1 }, [2], 'three', 4])
  })

  it('gives the bytes of a line that is not JSON, and loses none of the others', async () => {
    const chunks = [bytesOf('{"a":1}\nnot json\n'), new Uint8Array([0xff, 0xfe, 10]), bytesOf('{"b":2}')]
    const expected = [{ a: 1 }, bytesOf('not json'), new Uint8Array([0xff, 0xfe]), { b: 2 }]
    expect(await pieces(chunks, ndjson)).toEqual(expected)
    expect(await wholeResult(answerOf(chunks, ndjson), 1_000)).toEqual(expected)
  })

  it('is the same however it is cut, at every byte', async () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const bytes = bytesOf(['{"a":"日本 🎉"}', '', 'ü', '[1]', ''].join(end))
      const whole = [{ a: '日本 🎉' }, bytesOf('ü'), [1]]
      for (let at = 0; at <= bytes.length; at += 1) expect(await pieces(cutAt(bytes, [at]), ndjson)).toEqual(whole)
      expect(await pieces(cutAt(bytes, [...bytes.keys()]), ndjson)).toEqual(whole)
    }
  })

  it('is the same for any values, ends and chunks', async () => {
    const lines = fc.array(fc.tuple(fc.jsonValue(), fc.constantFrom('\n', '\r', '\r\n', '\n\n')), { maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(
        lines.chain((list) => {
          const bytes = bytesOf(list.map(([value, end]) => JSON.stringify(value) + end).join(''))
          return fc.tuple(fc.constant({ list, bytes }), cuts(bytes.length))
        }),
        async ([{ list, bytes }, places]) => {
          const expected = list.map(([value]) => JSON.parse(JSON.stringify(value)) as unknown)
          expect(await pieces(cutAt(bytes, places), ndjson)).toEqual(expected)
          expect(await wholeResult(answerOf(cutAt(bytes, places), ndjson), limits.maxBytes)).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('with a line that does not end is refused', async () => {
    const endless = Array.from({ length: 50 }, () => bytesOf('x'.repeat(100)))
    const refused = { code: 'response_too_large' }
    await expect(pieces(endless, ndjson, { maxBytes: 1_000 })).rejects.toMatchObject(refused)
    await expect(wholeResult(answerOf(endless, ndjson), 1_000)).rejects.toMatchObject(refused)
  })
})

describe('an answer of JSON', () => {
  it('is one value after its end', async () => {
    const chunks = [bytesOf('{"a":'), bytesOf('[1,2]}')]
    expect(await pieces(chunks, 'application/json; charset=utf-8')).toEqual([{ a: [1, 2] }])
    expect(await wholeResult(answerOf(chunks, 'application/problem+json'), 1_000)).toEqual([{ a: [1, 2] }])
  })

  it('that is none is an error', async () => {
    const broken = pieces([bytesOf('{"a":')], 'application/json')
    await expect(broken).rejects.toMatchObject({ code: 'invalid_response' })
  })
})

describe('any other answer', () => {
  it('is cut into pieces of exactly the chunk size: 4096, 4096 and 1808 of 10,000 bytes', async () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251)
    await fc.assert(
      fc.asyncProperty(cuts(bytes.length), async (places) => {
        const list = (await pieces(cutAt(bytes, places), 'application/octet-stream')) as Uint8Array[]
        expect(list.map(({ length }) => length)).toEqual([4_096, 4_096, 1_808])
        expect(Buffer.concat(list).equals(bytes)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('has no piece when it is empty, and no empty one at its end', async () => {
    expect(await pieces([], 'image/png')).toEqual([])
    const exact = (await pieces([new Uint8Array(8)], 'image/png', { chunkSize: 4 })) as Uint8Array[]
    expect(exact.map(({ length }) => length)).toEqual([4, 4])
  })

  it('is all its bytes to a call that does not stream', async () => {
    expect(await wholeResult(answerOf([bytesOf('ab'), bytesOf('c')], 'text/plain'), 10)).toEqual(bytesOf('abc'))
  })
})
