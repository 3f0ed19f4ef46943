import type { Project, Store } from '../../../src/store/store.ts'

/** What each test of the contract starts with: an empty store with two projects. */
export interface StoreContext {
  store: Store
  /** Another handle on the same data, as another process would have. */
  second: Store
  project: Project
  foreign: Project
}
