import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { describeCalls } from './contract/call-cases.ts'
import { describeDurableOutcomes } from './contract/durable-finish-cases.ts'
import { describeDurableInserts } from './contract/durable-insert-cases.ts'
import { describeDurableLeases } from './contract/durable-lease-cases.ts'
import { describeKeys } from './contract/key-cases.ts'
import { describeLegacy } from './contract/legacy-cases.ts'
import type { StoreContext } from './contract/store-context.ts'
import { describeToolkits } from './contract/toolkit-cases.ts'
import { describeVault } from './contract/vault-cases.ts'

/** A store to test, with a second handle on the same data, as another process would have. */
export interface OpenedStore {
  store: Store
  second: Store
  close(): Promise<void>
}

/** One test per sentence of the docstrings in `store.ts`. `open` gives an empty store each time. */
export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} store`, () => {
    const given = {} as StoreContext

    beforeEach(async () => {
      const { store, second, close } = await open()
      onTestFinished(close)
      const project = await store.projects.ensure('ours', 1)
      const foreign = await store.projects.ensure('theirs', 1)
      Object.assign(given, { store, second, project, foreign })
    })

    it('closes twice without complaint', async () => {
      await given.store.close()
      await given.store.close()
    })

    describe('projects', () => {
      it('makes a project that is not there, and gives the same one afterwards', async () => {
        const made = await given.store.projects.ensure('new', 7)
        expect(made).toEqual({ id: made.id, name: 'new', createdAt: 7 })
        expect(await given.second.projects.ensure('new', 8)).toEqual(made)
      })

      it('gives two callers at once the same project', async () => {
        const made = await Promise.all(
          [given.store, given.second, given.store, given.second].map((one) => one.projects.ensure('new', 7)),
        )
        expect(new Set(made.map(({ id }) => id)).size).toBe(1)
      })
    })

    describeKeys(given)
    describeToolkits(given)
    describeLegacy(given)
    describeCalls(given)
    describeVault(given)
    describe('storing calls', () => describeDurableInserts(given))
    describe('delivering stored calls', () => describeDurableLeases(given))
    describe('ending stored calls', () => describeDurableOutcomes(given))
  })
}
