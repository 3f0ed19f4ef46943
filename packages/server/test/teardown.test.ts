import { expect, it } from 'vitest'
import { Teardown } from '../src/teardown.ts'

it('closes in reverse order, one after the other, and once', async () => {
  const closed: string[] = []
  const teardown = new Teardown()
  teardown.add(() => closed.push('store'))
  teardown.add(async () => {
    await Promise.resolve()
    closed.push('bus')
  })
  teardown.add(() => closed.push('app'))
  await teardown.run()
  await teardown.run()
  expect(closed).toEqual(['app', 'bus', 'store'])
})

it('closes the rest when one fails, and tells the first failure', async () => {
  const closed: string[] = []
  const teardown = new Teardown()
  teardown.add(() => closed.push('store'))
  teardown.add(() => Promise.reject(new Error('second')))
  teardown.add(() => {
    throw new Error('first')
  })
  await expect(teardown.run()).rejects.toThrow('first')
  expect(closed).toEqual(['store'])
})
