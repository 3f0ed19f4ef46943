import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ServerEvent, ServerEventReader } from '../../src/clients/server-event-reader.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Reads a stream whose bytes arrive cut at these places. */
function read(bytes: Uint8Array, cuts: number[] = []): ServerEvent[] {
  const reader = new ServerEventReader()
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).flatMap((end, index) => reader.feed(bytes.subarray(places[index], end)))
}

const event = (data: string, more: Partial<ServerEvent> = {}): ServerEvent => ({ id: '', name: '', data, ...more })

describe('a stream of events', () => {
  it.each([
    ['data: one\n\n', [event('one')]],
    ['data:one\n\ndata:  two\n\n', [event('one'), event(' two')]],
    ['data: a\ndata: b\ndata\n\n', [event('a\nb\n')]],
    ['id: 7\nevent: chunk\ndata: {}\n\n', [event('{}', { id: '7', name: 'chunk' })]],
    ['data: one\r\rdata: two\r\n\r\ndata: three\n\r\n', [event('one'), event('two'), event('three')]],
    ['\uFEFFdata: one\n\n', [event('one')]],
    ['\uFEFF\uFEFFdata: one\n\ndata: two\n\n', [event('two')]],
    [': heartbeat\n\n:\n\ndata: one\n: in between\n\n', [event('one')]],
    ['id: 1\n\nevent: lost\n\ndata: one\n\n', [event('one', { id: '1' })]],
    ['id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n', [event('a', { id: '1' }), event('b', { id: '1' }), event('c')]],
    ['id: 1\nid: 2\0\ndata: a\n\n', [event('a', { id: '1' })]],
    ['event: x\nevent: y\nretry: 5\nodd: 1\ndata: a\n\ndata: b\n\n', [event('a', { name: 'y' }), event('b')]],
    ['data\n\n', [event('')]],
    ['data: a: b\n\n', [event('a: b')]],
    ['data: cut off\n', []],
    ['', []],
  ])('%j is read', (text, events) => {
    expect(read(bytesOf(text))).toEqual(events)
  })

  it('is the same wherever its bytes are cut', () => {
    const text =
      '\uFEFFid: 1\r\nevent: chunk\rdata: grün 漢字 🚲\n\r\n: häh\n\ndata: {"a":1}\r\rid: 2\ndata: x\rdata: y\r\n\r\n'
    const bytes = bytesOf(text)
    const whole = read(bytes)
    expect(whole).toEqual([
      event('grün 漢字 🚲', { id: '1', name: 'chunk' }),
      event('{"a":1}', { id: '1' }),
      event('x\ny', { id: '2' }),
    ])
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(read(bytes, [cut])).toEqual(whole)
    expect(read(bytes, [...bytes.keys()])).toEqual(whole)
  })

  it('is the same wherever its bytes are cut, whatever it holds', () => {
    const piece = fc.constantFrom(
      'data',
      'id',
      'event',
      ':',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'ü',
      '🚲',
      '\uFEFF',
      'x',
      '\0',
    )
    const cuts = fc.array(fc.nat(400), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 80 }), cuts, (pieces, places) => {
        const bytes = bytesOf(pieces.join(''))
        expect(read(bytes, places)).toEqual(read(bytes))
      }),
      { numRuns: 1_000 },
    )
  })

  it('may end without the empty line after its last event', () => {
    const ending = (text: string): ServerEvent | undefined => {
      const reader = new ServerEventReader()
      reader.feed(bytesOf(text))
      return reader.end()
    }
    for (const text of ['data: one', 'data: one\n', 'data: one\r', 'data: one\r\n']) {
      expect(ending(text)).toEqual(event('one'))
    }
    for (const text of ['', 'data: one\n\n', 'data: one\r\r', ': only a comment']) expect(ending(text)).toBeUndefined()
  })

  it('is refused when an event has no end', () => {
    const reader = new ServerEventReader()
    const megabyte = bytesOf('x'.repeat(1_048_576))
    const flood = (): void => {
      for (let index = 0; index < 20; index += 1) reader.feed(megabyte)
    }
    expect(flood).toThrow(expect.objectContaining({ code: 'protocol_error' }))
  })

  it('of a long line in many pieces is read in time that grows with its length', () => {
    const reader = new ServerEventReader()
    reader.feed(bytesOf('data: '))
    const piece = bytesOf('x'.repeat(64))
    const count = 200_000
    for (let index = 0; index < count; index += 1) reader.feed(piece)
    const [found] = reader.feed(bytesOf('\n\n'))
    expect(found?.data).toHaveLength(64 * count)
  })
})
