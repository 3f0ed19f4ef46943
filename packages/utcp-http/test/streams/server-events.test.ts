import { AtpError } from '@atp/core'
import { UtcpError } from '@atp/utcp'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Answer } from '../../src/send-request.ts'
import { type EventStreamOptions, serverEvents } from '../../src/streams/server-events.ts'
import { answerOf, bytesOf, cutAt, cuts } from '../support/bytes.ts'

const type = 'text/event-stream; charset=utf-8'
const dropped = new AtpError('upstream_failed', 'broke off', { retryable: true })

function options(changes: Partial<EventStreamOptions> & Pick<EventStreamOptions, 'connect'>): EventStreamOptions {
  const { signal } = new AbortController()
  return { reconnect: true, retryMs: 5, maxEventLength: 1_000, signal, onReconnect: () => {}, ...changes }
}

async function read(settings: EventStreamOptions): Promise<[event: string | undefined, data: string][]> {
  const events: [string | undefined, string][] = []
  for await (const { event, data } of serverEvents(settings)) events.push([event, data])
  return events
}

const readChunks = (chunks: Uint8Array<ArrayBuffer>[]): ReturnType<typeof read> =>
  read(options({ connect: async () => answerOf(chunks, type) }))

afterEach(() => {
  vi.useRealTimers()
})

describe('a stream of events', () => {
  it.each([
    ['one space after the colon is not data', 'data:  a\ndata:b\n\n', [[undefined, ' a\nb']]],
    ['comments and unknown fields are not data', ': hi\nfoo: bar\ndata: x\n\n', [[undefined, 'x']]],
    ['an event without data is none', 'event: a\n\ndata: x\n\n', [[undefined, 'x']]],
    [
      'a field without a colon is empty',
      'data\n\ndata\ndata\n\n',
      [
        [undefined, ''],
        [undefined, '\n'],
      ],
    ],
    [
      'names are kept, and forgotten after their event',
      'event: a\ndata: 1\n\ndata: 2\n\n',
      [
        ['a', '1'],
        [undefined, '2'],
      ],
    ],
    ['an end without an empty line is dropped', 'data: 1\n\ndata: 2\n', [[undefined, '1']]],
    ['an end within a line is dropped', 'data: 1\n\ndata: 2', [[undefined, '1']]],
    ['a byte order mark is skipped', '\uFEFFdata: 1\n\n', [[undefined, '1']]],
    ['nothing at all is no event', '', []],
  ])('%s', async (_, text, expected) => {
    for (const end of ['\n', '\r', '\r\n']) {
      const written = bytesOf(text.replaceAll('\n', end))
      const wanted = expected.map(([event, data]) => [event, data])
      expect(await readChunks([written])).toEqual(wanted)
    }
  })

  it('is the same however it is cut, at every byte', async () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const text = ['\uFEFFid: 1', 'event: größe', 'data: {"a":"日本 🎉"}', '', ': c', 'data: b', 'data:', '', ''].join(
        end,
      )
      const bytes = bytesOf(text)
      const whole = await readChunks([bytes])
      expect(whole).toEqual([
        ['größe', '{"a":"日本 🎉"}'],
        [undefined, 'b\n'],
      ])
      for (let at = 0; at <= bytes.length; at += 1) expect(await readChunks(cutAt(bytes, [at]))).toEqual(whole)
      expect(await readChunks(cutAt(bytes, [...bytes.keys()]))).toEqual(whole)
    }
  })

  it('is the same however it is written and cut, for any lines, ends and chunks', async () => {
    const word = fc.string({
      unit: fc.constantFrom('a', ' ', ':', '\u00e9', '\u65e5', '\u{1f389}', '{', '"'),
      maxLength: 6,
    })
    const line = fc.oneof(
      word.map((text) => `data: ${text}`),
      word.map((text) => `data:${text}`),
      word.map((text) => `event: ${text}`),
      word.map((text) => `id: ${text}`),
      word,
      fc.constant(''),
      fc.constant(': comment'),
      fc.constant('data'),
    )
    const stream = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(
        stream.chain((lines) => {
          const bytes = bytesOf(lines.map(([text, end]) => text + end).join(''))
          return fc.tuple(fc.constant({ lines, bytes }), cuts(bytes.length))
        }),
        async ([{ lines, bytes }, places]) => {
          const expected = eventsOf(lines)
          expect(await readChunks(cutAt(bytes, places))).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('of another type is refused', async () => {
    for (const wrong of ['application/json', '']) {
      const connect = async (): Promise<Answer> => answerOf([bytesOf('data: 1\n\n')], wrong)
      await expect(read(options({ connect }))).rejects.toMatchObject({ code: 'invalid_response', retryable: false })
    }
  })

  it('with an event that does not end is refused', async () => {
    const chunk = bytesOf(`data: ${'x'.repeat(100)}`)
    const endless = Array.from({ length: 20 }, () => chunk)
    await expect(readChunks(endless)).rejects.toMatchObject({ code: 'response_too_large' })
    const lines = Array.from({ length: 20 }, () => bytesOf(`data: ${'x'.repeat(100)}\n`))
    await expect(readChunks(lines)).rejects.toMatchObject({ code: 'response_too_large' })
  })
})

describe('a stream that breaks off', () => {
  /** Answers in turn with texts that break off; the last one ends. */
  function site(...texts: (string | Error)[]): { connect: EventStreamOptions['connect']; ids: string[] } {
    const ids: string[] = []
    const connect = async (id: string): Promise<Answer> => {
      ids.push(id)
      const next = texts.shift() ?? ''
      if (next instanceof Error) throw next
      return answerOf([bytesOf(next)], type, texts.length === 0 ? undefined : dropped)
    }
    return { connect, ids }
  }

  it('goes on after the last event that was complete', async () => {
    const { connect, ids } = site('id: 1\ndata: a\n\nid: 2\ndata: lost', 'id: 3\ndata: b\n\n', 'data: c\n\n')
    expect(await read(options({ connect }))).toEqual([
      [undefined, 'a'],
      [undefined, 'b'],
      [undefined, 'c'],
    ])
    expect(ids).toEqual(['', '1', '3'])
  })

  it('goes on from the beginning after an empty id, and keeps an id that holds for no event', async () => {
    const first = site('id: 1\ndata: a\n\nid:\n\n', '')
    await read(options({ connect: first.connect }))
    expect(first.ids).toEqual(['', ''])
    const second = site('id: 7\n\n', '')
    await read(options({ connect: second.connect }))
    expect(second.ids).toEqual(['', '7'])
    const third = site('id: 7\n\nid: a\u0000b\n\n', '')
    await read(options({ connect: third.connect }))
    expect(third.ids).toEqual(['', '7'])
  })

  it('is asked for again after the time that the server says in digits, a minute at most', async () => {
    vi.useFakeTimers()
    const timer = vi.spyOn(globalThis, 'setTimeout')
    const { connect } = site('retry: 250\n\n', 'retry: 1e3\nretry: -1\nretry: 2x\n\n', 'retry: 99999999\n\n', '')
    let isDone = false
    const done = read(options({ connect, retryMs: 40 })).finally(() => {
      isDone = true
    })
    while (!isDone) await vi.advanceTimersByTimeAsync(50)
    expect(await done).toEqual([])
    const waits = timer.mock.calls.map(([, ms]) => ms)
    expect(waits).toEqual([250, 250, 60_000])
  })

  it('is asked for five times, then it fails', async () => {
    const { connect, ids } = site('data: a\n\n', '', dropped, '', '', '', 'never seen')
    const events: string[] = []
    const run = async (): Promise<void> => {
      for await (const { data } of serverEvents(options({ connect }))) events.push(data)
    }
    await expect(run()).rejects.toBe(dropped)
    expect(events).toEqual(['a'])
    expect(ids).toHaveLength(6)
  })

  it('may break off any number of times as long as it gives events', async () => {
    const { connect, ids } = site(...Array.from({ length: 12 }, (_, n) => `data: ${n}\n\n`))
    expect(await read(options({ connect }))).toHaveLength(12)
    expect(ids).toHaveLength(12)
  })

  it('is not asked for again when that cannot help', async () => {
    const gone = new UtcpError('http_error', 'gone', { status: 410 })
    const { connect, ids } = site('data: a\n\n', gone, '')
    await expect(read(options({ connect }))).rejects.toBe(gone)
    expect(ids).toHaveLength(2)
  })

  it('fails where no reconnect is wanted', async () => {
    const { connect, ids } = site('data: a\n\n', '')
    await expect(read(options({ connect, reconnect: false }))).rejects.toBe(dropped)
    expect(ids).toHaveLength(1)
  })

  it('fails at once when it never began', async () => {
    const { connect, ids } = site(dropped, '')
    await expect(read(options({ connect }))).rejects.toBe(dropped)
    expect(ids).toHaveLength(1)
  })

  it('is not waited for once the caller is gone', async () => {
    const abort = new AbortController()
    const { connect, ids } = site('data: a\n\n', '')
    const reason = new Error('enough')
    const onReconnect = (): void => abort.abort(reason)
    const run = read(options({ connect, signal: abort.signal, retryMs: 60_000, onReconnect }))
    await expect(run).rejects.toBe(reason)
    expect(ids).toHaveLength(1)
  })
})

it('a stream that ends is over', async () => {
  let asked = 0
  const connect = async (): Promise<Answer> => {
    asked += 1
    return answerOf([bytesOf('data: a\n\n')], type)
  }
  expect(await read(options({ connect }))).toEqual([[undefined, 'a']])
  expect(asked).toBe(1)
})

/** The rules of HTML, 9.2.6, over lines that are cut already. */
function eventsOf(lines: readonly (readonly [text: string, end: string])[]): [string | undefined, string][] {
  // An empty line that ends by LF after one that ends by CR belongs to its end.
  const merged: string[] = []
  lines.forEach(([text, end], index) => {
    if (text === '' && end === '\n' && lines[index - 1]?.[1] === '\r') return
    merged.push(text)
  })
  const events: [string | undefined, string][] = []
  let name = ''
  let data: string[] = []
  for (const text of merged) {
    if (text === '') {
      if (data.length > 0) events.push([name === '' ? undefined : name, data.join('\n')])
      name = ''
      data = []
      continue
    }
    const [, field, value = ''] = /^([^:]*)(?::\x20?([\s\S]*))?$/.exec(text) ?? []
    if (field === 'data') data.push(value)
    if (field === 'event') name = value
  }
  return events
}
