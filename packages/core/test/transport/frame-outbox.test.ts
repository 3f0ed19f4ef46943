import { describe, expect, it } from 'vitest'
import { FrameOutbox } from '../../src/transport/frame-outbox.ts'

function outbox(texts: string[]): FrameOutbox {
  const made = new FrameOutbox()
  for (const text of texts) made.push(text)
  return made
}

/** How many frames each request takes. */
function sizes(made: FrameOutbox): number[] {
  const all: number[] = []
  for (let batch = made.take(); batch !== undefined; batch = made.take()) {
    all.push(batch.length)
    made.done()
  }
  return all
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `f${index}`)

describe('a FrameOutbox', () => {
  it('gives frames in order, 64 at most', () => {
    const made = outbox(numbered(130))
    expect(made.take()).toEqual(numbered(64))
    expect(sizes(made)).toEqual([64, 64, 2])
    expect(made.take()).toBeUndefined()
  })

  it('gives 1 MiB at most, and a larger frame alone', () => {
    const half = 'x'.repeat(524_288)
    expect(sizes(outbox([half, half, 'a', half, 'x'.repeat(2_000_000), 'b']))).toEqual([2, 2, 1, 1])
    expect(sizes(outbox(['a', 'x'.repeat(2_000_000)]))).toEqual([1, 1])
  })

  it('gives the same frames again until they are done, whatever comes meanwhile', () => {
    const made = outbox(['a', 'b'])
    expect(made.take()).toEqual(['a', 'b'])
    made.push('c')
    made.done()
    expect(made.take()).toEqual(['c'])
    expect(made.take()).toEqual(['c'])
  })

  it('counts the characters that are not done', () => {
    const made = outbox(['abc', 'de'])
    expect(made.length).toBe(5)
    made.take()
    expect(made.length).toBe(5)
    made.done()
    expect(made.length).toBe(0)
  })

  it('gives what it was split into one by one, and then as before', () => {
    const made = outbox(['a', 'b', 'c'])
    made.take()
    made.push('d')
    made.push('e')
    expect(made.split()).toBe(true)
    expect(made.take()).toEqual(['a'])
    expect(made.split()).toBe(false)
    expect(sizes(made)).toEqual([1, 1, 1, 2])
  })
})
