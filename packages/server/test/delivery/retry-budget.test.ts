import { expect, it } from 'vitest'
import { RetryBudget } from '../../src/delivery/retry-budget.ts'

function budget(more: { minimum?: number } = {}) {
  let now = 1e9
  const made = new RetryBudget({ now: () => now, ...more })
  const take = (): number => {
    let taken = 0
    while (made.take()) taken += 1
    return taken
  }
  return {
    take,
    call(times: number) {
      for (let i = 0; i < times; i += 1) made.count()
    },
    pass(ms: number) {
      now += ms
    },
  }
}

it('lets a tenth of the calls of ten seconds be sent again (rule X6)', () => {
  const { call, take, pass } = budget({ minimum: 0 })
  expect(take()).toBe(0)
  call(500)
  pass(4_000)
  call(505)
  expect(take()).toBe(100)
  pass(5_000)
  expect(take()).toBe(0)
  pass(1_000)
  // Half of the calls are forgotten, and none of the repetitions.
  expect(take()).toBe(0)
  pass(4_000)
  expect(take()).toBe(0)
})

it('lets a few be sent again in any case, anew every ten seconds', () => {
  const { take, pass } = budget()
  expect(take()).toBe(10)
  pass(9_000)
  expect(take()).toBe(0)
  pass(1_000)
  expect(take()).toBe(10)
  pass(3_600_000)
  expect(take()).toBe(10)
})
