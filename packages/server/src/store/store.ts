import type { ErrorCode, ToolDescriptor } from '@atp/core'
import type { DurableStore } from './durable-store.ts'
import type { LegacyStore } from './legacy-store.ts'
import type { Page, PageRange } from './page.ts'

/**
 * What the server keeps, by aggregate. Every implementation passes `test/store/store-contract.ts`.
 *
 * Obligations of every method: a promise that resolved means the change is committed; every query is scoped by
 * project, and a foreign id behaves exactly like a missing one (rule K8). Times are integer milliseconds since 1970,
 * ids are UUIDv7 in lower case.
 */
export interface Store {
  readonly projects: ProjectStore
  readonly keys: KeyStore
  readonly toolkits: ToolkitStore
  readonly legacy: LegacyStore
  readonly calls: CallLogStore
  readonly dataKeys: DataKeyStore
  readonly secrets: SecretStore
  readonly durable: DurableStore
  /** Writes what is pending and lets go of the files. Idempotent. */
  close(): Promise<void>
}

/** The tenant: owns keys, toolkits and calls. */
export interface Project {
  id: string
  name: string
  createdAt: number
}

export interface ProjectStore {
  /** The project of that name, made when it is not there. Two callers at once get the same one. */
  ensure(name: string, now: number): Promise<Project>
  find(id: string): Promise<Project | undefined>
  findByName(name: string): Promise<Project | undefined>
}

/** What a key may be used for. */
export type KeyKind = 'toolkit' | 'llm' | 'admin'

/** A key as it is kept: never the key itself. */
export interface StoredKey {
  id: string
  projectId: string
  kind: KeyKind
  name: string
  /** The toolkit a toolkit key stands for; null while it is not bound yet, and for other kinds. */
  toolkitId: string | null
  createdAt: number
  expiresAt: number | null
  revokedAt: number | null
}

export interface NewKey {
  id: string
  projectId: string
  kind: KeyKind
  name: string
  toolkitId: string | null
  /** Hex SHA-256 of the key (rule K2). */
  hash: string
  createdAt: number
  expiresAt: number | null
}

/** A key with the hash it was found by, for a comparison in constant time (rule K3). */
export interface StoredKeyWithHash extends StoredKey {
  hash: string
}

export interface KeyStore {
  /** Rejects when the id or the hash is there already, or the toolkit is not one of the project's. */
  insert(key: NewKey): Promise<StoredKey>
  /** Of any project: the hash is the credential. Revoked and expired keys are returned too. */
  findByHash(hash: string): Promise<StoredKeyWithHash | undefined>
  find(projectId: string, id: string): Promise<StoredKey | undefined>
  /** Newest first. */
  list(projectId: string): Promise<StoredKey[]>
  /**
   * Sets the time of revocation once, and deletes the secrets of the key. Returns the key, or undefined when the project
   * has no such key.
   */
  revoke(projectId: string, id: string, now: number): Promise<StoredKey | undefined>
  /** Ids of keys of any project revoked at or after `since`. */
  revokedSince(since: number): Promise<string[]>
  /**
   * Binds an unbound toolkit key to a toolkit of its own project. Returns the toolkit the key stands for now, which is
   * another one if it was bound before.
   * @throws AtpError `not_found` when there is no such toolkit key, or its project has no such toolkit
   */
  bindToolkit(id: string, toolkitId: string): Promise<string>
}

/** A toolkit as it is kept. */
export interface StoredToolkit {
  id: string
  projectId: string
  /** The name its client gave. Unique in the project. */
  appName: string
  /** Derived from the name, `^[a-z0-9_-]{1,64}$`, unique in the project. */
  slug: string
  caption: string
  instructions: string | null
  /** The hash its client announced with its last full registration; null when none holds. */
  hash: string | null
  /** Since when every project may see it in the store; null while it is private. */
  publishedAt: number | null
  /** Where the server posts its calls to; null while it has no endpoint. */
  endpointUrl: string | null
  createdAt: number
  updatedAt: number
}

/** A toolkit that every project may see, and whose it is. */
export interface PublishedToolkit extends StoredToolkit {
  projectName: string
}

/** What a registration changes. */
export interface Registration {
  caption: string
  instructions: string | null
  hash: string | null
  /** The toolkit's endpoint, or null for none; left as it is when undefined. */
  endpointUrl?: string | null | undefined
  /** Added at the end, or replacing a tool of the same name, which keeps its place. */
  upsert: readonly ToolDescriptor[]
  /**
   * Names of tools to delete, before any is added. Unknown ones are ignored, and so are those that an older client
   * registered (`LegacyStore.register`): it would not register them again.
   */
  remove: readonly string[]
  now: number
}

export interface ToolkitStore {
  /**
   * The toolkit of that app name, made with a free slug, an empty caption and no hash when it is not there. Two callers
   * at once get the same one.
   */
  ensure(projectId: string, appName: string, now: number): Promise<StoredToolkit>
  find(projectId: string, id: string): Promise<StoredToolkit | undefined>
  /** By id, else by app name, else by slug, in this project only. */
  resolve(projectId: string, idOrName: string): Promise<StoredToolkit | undefined>
  /** By app name. */
  list(projectId: string): Promise<StoredToolkit[]>
  /** A part of `list`. */
  listPage(projectId: string, range: PageRange): Promise<Page<StoredToolkit>>
  /** Published toolkits of all projects, by app name. */
  listPublished(range: PageRange): Promise<Page<PublishedToolkit>>
  /** All published toolkits of one project, by app name. */
  publishedOf(projectId: string): Promise<PublishedToolkit[]>
  /** A published toolkit of any project: by id, or by `@project/slug`. */
  findPublished(idOrName: string): Promise<PublishedToolkit | undefined>
  /** Publishes at a time, or with null makes private. Returns the toolkit as it is now, or undefined. */
  publish(projectId: string, toolkitId: string, publishedAt: number | null): Promise<StoredToolkit | undefined>
  /** Sets the toolkit's endpoint, or with null removes it. Returns the toolkit as it is now, or undefined. */
  setEndpoint(projectId: string, toolkitId: string, url: string | null, now: number): Promise<StoredToolkit | undefined>
  /** In the order they were first registered. */
  tools(projectId: string, toolkitId: string): Promise<ToolDescriptor[]>
  /** How many tools each toolkit of the project has, by its id. Toolkits without tools may be missing. */
  toolCounts(projectId: string): Promise<ReadonlyMap<string, number>>
  /** All or nothing, in one transaction. Returns the toolkit as it is now, or undefined when it is not there. */
  register(projectId: string, toolkitId: string, registration: Registration): Promise<StoredToolkit | undefined>
}

/** How a call ended. */
export type CallStatus = 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'delivery_failed' | 'outcome_unknown'

/** One line of the call log: no params, no result, no token. */
export interface CallRecord {
  id: string
  projectId: string
  keyId: string
  toolkitId: string
  toolkitName: string
  tool: string
  delivery: 'socket' | 'inbox' | 'endpoint' | 'manual'
  status: CallStatus
  errorCode: ErrorCode | null
  startedAt: number
  /** May have a fraction. */
  durationMs: number
}

/** Which calls to list. */
export interface CallFilter {
  toolkitId?: string | undefined
  tool?: string | undefined
  status?: CallStatus | undefined
  delivery?: CallRecord['delivery'] | undefined
  errorCode?: ErrorCode | undefined
  /** Only calls that started at this time or later, in milliseconds since 1970. */
  since?: number | undefined
  /** Only calls whose id is below this one: `next` of the page before. */
  before?: string | undefined
  /**
   * Only calls whose id is above this one, the oldest first. A call is logged when it ends and has its id since it
   * started: those that end later may have an id below.
   */
  after?: string | undefined
  /** @default 50, at most 500 */
  limit?: number | undefined
}

/** How many calls one page may look at. */
export const callScanLimit = 20_000

/** Some of the call log. */
export interface CallPage {
  calls: CallRecord[]
  /** The `before` of the next page, or its `after` where that was given; null when there are no more calls. */
  next: string | null
}

export interface CallLogStore {
  /** Writes a batch in one transaction. A call that is there already stays as it is: a batch may be written again. */
  append(records: readonly CallRecord[]): Promise<void>
  find(projectId: string, id: string): Promise<CallRecord | undefined>
  /**
   * Newest first, or oldest first with `after`. Looks at no more than {@link callScanLimit} calls, because a database that works inside the process
   * holds up everything else meanwhile: a filter that few calls pass may end a page early, and `next` says where to go on.
   */
  list(projectId: string, filter: CallFilter): Promise<CallPage>
}

/** A project's key for its secrets, itself encrypted ("wrapped") by a master key. */
export interface StoredDataKey {
  projectId: string
  id: string
  /** Which master key wrapped it. */
  masterKeyId: string
  /** The wrapped key, see `vault/envelope.ts`. */
  wrapped: string
  createdAt: number
  /** When it stopped being used for new secrets; null for the one key of the project that is in use. */
  retiredAt: number | null
}

/** What one data key holds. */
export interface DataKeySummary {
  projectId: string
  id: string
  masterKeyId: string
  retiredAt: number | null
  /** How many secrets are encrypted with it. */
  secrets: number
  /** Whether stored calls, dead letters or outcomes are sealed under it: it stays until they are forgotten. */
  calls: boolean
}

/** How often one data key may encrypt: half of what NIST SP 800-38D allows for random nonces (rule V3). */
export const maxEncryptions: number = 2 ** 31

/** Data keys as they are kept: always wrapped. */
export interface DataKeyStore {
  /** The key in use, made of `key` when the project has none. Two callers at once get the same one. */
  ensure(key: Omit<StoredDataKey, 'retiredAt'>): Promise<StoredDataKey>
  /** The key in use. */
  findActive(projectId: string): Promise<StoredDataKey | undefined>
  find(projectId: string, id: string): Promise<StoredDataKey | undefined>
  /** Replaces a wrapping that is still `was`; false when it is another one by now, or there is no such key. */
  rewrap(key: Pick<StoredDataKey, 'projectId' | 'id' | 'masterKeyId' | 'wrapped'>, was: string): Promise<boolean>
  /** Sets the time of retirement once. False when there is no such key in use. */
  retire(projectId: string, id: string, now: number): Promise<boolean>
  /** Retires the keys in use of all projects at once; returns how many. */
  retireAll(now: number): Promise<number>
  /** Deletes a retired key that no secret, call or outcome needs any more; false when one does, or it is in use. */
  removeUnused(projectId: string, id: string): Promise<boolean>
  /** All keys of all projects, by project and age. */
  summarize(): Promise<DataKeySummary[]>
}

/** What owns a secret. */
export type SecretOwner = 'key' | 'connection' | 'endpoint'

/** Where a secret is. The ciphertext is bound to all of it (rule V2). */
export interface SecretAddress {
  projectId: string
  ownerKind: SecretOwner
  ownerId: string
  field: string
}

/** A secret as it is kept: never in clear. */
export interface StoredSecret extends SecretAddress {
  dataKeyId: string
  ciphertext: string
}

export interface SecretStore {
  /**
   * Writes a secret, over the one at the same address. False, and nothing is written, unless the data key is the one
   * in use of the project and has encrypted less than {@link maxEncryptions} times.
   */
  put(secret: StoredSecret, now: number): Promise<boolean>
  /** As `put`, only where the ciphertext is still `was`. */
  replace(secret: StoredSecret, was: string, now: number): Promise<boolean>
  find(address: SecretAddress): Promise<StoredSecret | undefined>
  /** Deletes all secrets of an owner. */
  removeOwner(projectId: string, ownerKind: SecretOwner, ownerId: string): Promise<void>
  /** Deletes the secrets of keys, in all projects, that were revoked, or had expired at `now`. */
  removeOfEndedKeys(now: number): Promise<void>
  /** Secrets encrypted with a data key, ordered by address, after the one given. */
  listByDataKey(
    projectId: string,
    dataKeyId: string,
    limit: number,
    after?: SecretAddress | undefined,
  ): Promise<StoredSecret[]>
}
