import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { newId as newUuid } from '../keys/ids.ts'
import type { Store, StoredDataKey } from '../store/store.ts'
import { type Binding, open, seal, vaultUnreadable } from './envelope.ts'
import type { MasterKeys } from './master-keys.ts'

/** What a {@link DataKeyRing} works with. */
export interface DataKeyRingOptions {
  store: Pick<Store, 'dataKeys'>
  masterKeys: MasterKeys
  /** Milliseconds since 1970. @default `Date.now` */
  now?: (() => number) | undefined
  /** Gives the ids of new data keys. @default UUIDv7 */
  newId?: (() => string) | undefined
}

/** A data key in clear. */
export interface ClearDataKey {
  id: string
  key: KeyObject
}

/** The data keys of all projects, in clear once they were needed: unwrapping costs a query. */
export class DataKeyRing {
  readonly #options: DataKeyRingOptions
  readonly #clear = new Map<string, KeyObject>()
  readonly #activeIds = new Map<string, string>()

  constructor(options: DataKeyRingOptions) {
    this.#options = options
  }

  /** The key in use, made when the project has none. It may have been retired since it was looked up. */
  async active(projectId: string): Promise<ClearDataKey> {
    const id = this.#activeIds.get(projectId)
    const known = id === undefined ? undefined : this.#clear.get(nameOf(projectId, id))
    if (id !== undefined && known !== undefined) return { id, key: known }
    const stored = (await this.#options.store.dataKeys.findActive(projectId)) ?? (await this.#make(projectId))
    const key = this.#remember(stored)
    this.#activeIds.set(projectId, stored.id)
    return { id: stored.id, key }
  }

  /** Looks for the key in use again next time: `id` is not it any more. */
  forgetActive(projectId: string, id: string): void {
    if (this.#activeIds.get(projectId) === id) this.#activeIds.delete(projectId)
  }

  /** A key of the project, in use or retired. */
  async find(projectId: string, id: string): Promise<KeyObject | undefined> {
    const known = this.#clear.get(nameOf(projectId, id))
    if (known !== undefined) return known
    const stored = await this.#options.store.dataKeys.find(projectId, id)
    return stored && this.#remember(stored)
  }

  /** @throws AtpError `vault_unreadable` when its master key is not among those known here */
  unwrap(stored: StoredDataKey): KeyObject {
    const masterKey = this.#options.masterKeys.byId.get(stored.masterKeyId)
    if (masterKey === undefined) throw vaultUnreadable()
    return createSecretKey(open(masterKey.key, masterKey.id, wrapBinding(stored), stored.wrapped))
  }

  /** Wraps a key with the newest master key; false when it was already. */
  async rewrap(projectId: string, id: string): Promise<boolean> {
    const { store, masterKeys } = this.#options
    const stored = await store.dataKeys.find(projectId, id)
    const { newest } = masterKeys
    if (stored === undefined || stored.masterKeyId === newest.id) return false
    const wrapped = seal(newest.key, newest.id, wrapBinding(stored), this.unwrap(stored).export())
    return store.dataKeys.rewrap({ projectId, id, masterKeyId: newest.id, wrapped }, stored.wrapped)
  }

  #make(projectId: string): Promise<StoredDataKey> {
    const { store, masterKeys, now = Date.now, newId = newUuid } = this.#options
    const { newest } = masterKeys
    const id = newId()
    const wrapped = seal(newest.key, newest.id, wrapBinding({ projectId, id }), randomBytes(dataKeyLength))
    return store.dataKeys.ensure({ projectId, id, masterKeyId: newest.id, wrapped, createdAt: now() })
  }

  #remember(stored: StoredDataKey): KeyObject {
    const name = nameOf(stored.projectId, stored.id)
    const key = this.#clear.get(name) ?? this.unwrap(stored)
    this.#clear.set(name, key)
    return key
  }
}

const dataKeyLength = 32

function nameOf(projectId: string, id: string): string {
  return `${projectId} ${id}`
}

function wrapBinding({ projectId, id }: Pick<StoredDataKey, 'projectId' | 'id'>): Binding {
  return ['data-key', projectId, id]
}
