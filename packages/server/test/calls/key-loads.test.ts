import { expect, it } from 'vitest'
import { KeyLoads } from '../../src/calls/key-loads.ts'

const busy = expect.objectContaining({ code: 'busy' }) as unknown

it('lets so many calls of a key in at once, and one more for each that leaves', () => {
  const loads = new KeyLoads({ maxCalls: 2, maxRequestChars: 100 })
  const load = loads.enter('a', 0)
  expect(loads.enter('a', 0)).toBe(load)
  expect(() => loads.enter('a', 0)).toThrow(busy)
  loads.enter('b', 0)
  loads.leave('a', load)
  loads.enter('a', 0)
  expect(() => loads.enter('a', 0)).toThrow(busy)
})

it('lets requests in that are so large together, and one of any size alone', () => {
  const loads = new KeyLoads({ maxCalls: 9, maxRequestChars: 100 })
  const load = loads.enter('a', 5_000)
  load.requestChars += 60
  expect(() => loads.enter('a', 41)).toThrow(busy)
  loads.enter('a', 40)
})

it('counts calls that are taken over whatever there is, and forgets a key without calls', () => {
  const loads = new KeyLoads({ maxCalls: 1, maxRequestChars: 100 })
  const load = loads.add('a')
  loads.add('a')
  expect(() => loads.enter('a', 0)).toThrow(busy)
  loads.leave('a', load)
  expect(() => loads.enter('a', 0)).toThrow(busy)
  loads.leave('a', load)
  expect(loads.enter('a', 0)).not.toBe(load)
})
