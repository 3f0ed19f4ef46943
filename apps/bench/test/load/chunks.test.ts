import { describe, expect, it } from 'vitest'
import { checkChunk, checkStreamEnd, chunks, chunksPerStream } from '../../src/load/chunks.ts'

describe('the chunks', () => {
  it('are taken as the tool yields them', async () => {
    const running = chunks()
    let count = 0
    let step = await running.next()
    for (; !step.done; step = await running.next()) checkChunk(step.value, count++)
    expect(count).toBe(chunksPerStream)
    expect(() => checkStreamEnd(step.value, count)).not.toThrow()
  })

  it.each([[undefined], [null], [{ n: 2, text: 'next words' }], [{ n: 1, text: 'other words' }]])(
    'are refused in another order, and when they are others: %j',
    (chunk) => {
      expect(() => checkChunk(chunk, 1)).toThrow('Piece 1 of a stream is not what the tool yielded')
    },
  )

  it('are refused when one is missing at the end', () => {
    expect(() => checkStreamEnd({ count: chunksPerStream }, chunksPerStream - 1)).toThrow('not what the tool yielded')
    expect(() => checkStreamEnd(undefined, chunksPerStream)).toThrow('not what the tool yielded')
  })
})
