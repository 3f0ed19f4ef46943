import { describe, expect, it } from 'vitest'
import { maxUnreadLength, PartStream, type UnreadParts } from '../../src/clients/part-stream.ts'

const nothing = (): UnreadParts => ({ length: 0, progressCount: 0 })

/** A stream that is begun and whose end is in the test's hands. */
async function begun(): Promise<{ stream: PartStream<unknown>; end: () => void; fail: (error: unknown) => void }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stream: PartStream<unknown> = new PartStream(async () => {
    stream.add('begun', nothing(), 'result')
    await promise
  })
  await stream.next()
  return { stream, end: resolve, fail: reject }
}

async function readAll(stream: PartStream<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const part of stream) all.push(part)
  return all
}

describe('parts that wait for their reader', () => {
  it('are read in the order they came, also those that come meanwhile', async () => {
    const { stream, end } = await begun()
    const unread = nothing()
    for (const part of [1, 2, 3]) stream.add(part, unread, 'chunk')
    const first = [await stream.next(), await stream.next()]
    for (const part of [4, 5]) stream.add(part, unread, 'chunk')
    end()
    expect(first.map(({ value }) => value)).toEqual([1, 2])
    expect(await readAll(stream)).toEqual([3, 4, 5])
    expect(unread).toEqual(nothing())
  })

  it('give way when they are progress, of their own call only', async () => {
    const { stream, end } = await begun()
    const [mine, other] = [nothing(), nothing()]
    stream.add('progress of another', other, 'progress')
    stream.add('early progress', mine, 'progress')
    const large = 'x'.repeat(maxUnreadLength - 500)
    expect(stream.add(large, mine, 'chunk')).toBe(true)
    stream.add('progress', mine, 'progress')
    expect(stream.add('y'.repeat(300), mine, 'chunk')).toBe(true)
    expect(stream.add('z'.repeat(300), mine, 'progress')).toBe(true)
    end()
    expect(await readAll(stream)).toEqual(['progress of another', large, 'y'.repeat(300)])
    expect([mine, other]).toEqual([nothing(), nothing()])
  })

  it('are refused when they are chunks and too many, however small each is', async () => {
    const { stream, end } = await begun()
    const unread = nothing()
    let count = 0
    while (stream.add(0, unread, 'chunk')) count += 1
    expect(count).toBe(Math.floor(maxUnreadLength / 65))
    expect(stream.add('result', unread, 'result')).toBe(true)
    expect(stream.add('other', nothing(), 'chunk')).toBe(true)
    end()
    expect(await readAll(stream)).toHaveLength(count + 2)
  })

  it('come before the failure of the stream, which is thrown once', async () => {
    const { stream, fail } = await begun()
    stream.add(1, nothing(), 'chunk')
    fail(new Error('broken'))
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    await expect(stream.next()).rejects.toThrow('broken')
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('are dropped with their reader', async () => {
    const { stream, fail } = await begun()
    stream.add(1, nothing(), 'chunk')
    await stream.return()
    stream.add(2, nothing(), 'chunk')
    fail(new Error('cancelled'))
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })
})

describe('readers that wait for parts', () => {
  it('are served in order, and told of the end', async () => {
    const { stream, end } = await begun()
    const waiting = [stream.next(), stream.next(), stream.next()]
    stream.add(1, nothing(), 'progress')
    stream.add(2, nothing(), 'chunk')
    end()
    expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual([1, 2, undefined])
  })

  it('are told of a failure once', async () => {
    const { stream, fail } = await begun()
    const waiting = Promise.allSettled([stream.next(), stream.next()])
    fail(new Error('broken'))
    expect(await waiting).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: { done: true } }])
  })
})
