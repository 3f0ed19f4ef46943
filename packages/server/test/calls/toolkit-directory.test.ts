import { AtpError, silentLogger } from '@atp/core'
import { expect, it, vi } from 'vitest'
import { createMemoryBus } from '../../src/bus/memory.ts'
import { ToolkitDirectory } from '../../src/calls/toolkit-directory.ts'
import type { StoredToolkit, ToolkitStore } from '../../src/store/store.ts'

const toolkit = { id: 't1', projectId: 'p1', appName: 'one', slug: 'one' } as StoredToolkit

function directory(
  resolve: ToolkitStore['resolve'] = async (_project, name) => (name === 'one' ? toolkit : undefined),
) {
  const store = { resolve: vi.fn(resolve), tools: vi.fn(async () => []) }
  const bus = createMemoryBus(silentLogger)
  return { store, bus, create: () => ToolkitDirectory.create(store as unknown as ToolkitStore, bus) }
}

it('asks the store once and remembers until the toolkit changes', async () => {
  const { store, bus, create } = directory()
  const found = await create()
  expect(found.peek('p1', 'one')).toBeUndefined()
  await found.resolve('p1', 'one')
  await found.resolve('p1', 'one')
  expect(store.resolve).toHaveBeenCalledOnce()
  expect(found.peek('p1', 'one')?.toolkit).toBe(toolkit)
  await bus.publish('toolkit.changed', { toolkitId: 't1' })
  expect(found.peek('p1', 'one')).toBeUndefined()
})

it('never answers one project with what it remembers of another', async () => {
  const { create } = directory(async (projectId) => (projectId === 'p1' ? toolkit : undefined))
  const found = await create()
  await found.resolve('p1', 'one')
  expect(found.peek('p2', 'one')).toBeUndefined()
  await expect(found.resolve('p2', 'one')).resolves.toBeUndefined()
})

it('does not remember what a change overtook while it was read', async () => {
  const reading = Promise.withResolvers<StoredToolkit>()
  const { bus, create } = directory(() => reading.promise)
  const found = await create()
  const resolving = found.resolve('p1', 'one')
  await bus.publish('toolkit.changed', { toolkitId: 't1' })
  reading.resolve(toolkit)
  await resolving
  expect(found.peek('p1', 'one')).toBeUndefined()
})

it('gives a toolkit as it was last known while the store is unavailable, and no other one', async () => {
  const { store, bus, create } = directory()
  const found = await create()
  const known = await found.resolve('p1', 'one')
  await bus.publish('toolkit.changed', { toolkitId: 'another' })
  store.resolve.mockRejectedValue(new AtpError('store_unavailable', 'gone'))
  await expect(found.resolve('p1', 'one')).resolves.toBe(known)
  await expect(found.resolve('p1', 'two')).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(found.resolve('p2', 'one')).rejects.toMatchObject({ code: 'store_unavailable' })
  store.resolve.mockRejectedValue(new Error('a defect'))
  await expect(found.resolve('p1', 'one')).rejects.toThrow('a defect')
  store.resolve.mockResolvedValue(undefined)
  await expect(found.resolve('p1', 'one')).resolves.toBeUndefined()
  // What is gone from the store is not known any more.
  store.resolve.mockRejectedValue(new AtpError('store_unavailable', 'gone'))
  await expect(found.resolve('p1', 'one')).rejects.toMatchObject({ code: 'store_unavailable' })
})

it('loads everything anew after it was told to forget all', async () => {
  const { store, create } = directory()
  const found = await create()
  await found.resolve('p1', 'one')
  found.forgetAll()
  expect(found.peek('p1', 'one')).toBeUndefined()
  await found.resolve('p1', 'one')
  expect(store.resolve).toHaveBeenCalledTimes(2)
})
