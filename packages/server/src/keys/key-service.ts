import { timingSafeEqual } from 'node:crypto'
import { AtpError } from '@atp/core'
import { checkAppName, isAppName, maxAppNameLength } from '@atp/core/protocol'
import type { KeyKind, Store, StoredKey } from '../store/store.ts'
import { newId as newUuid } from './ids.ts'
import { generateKey, hashKey, parseKey } from './key-format.ts'
import { RecentKeys } from './recent-keys.ts'

/** What {@link createKeyService} works with. */
export interface KeyServiceOptions {
  store: Pick<Store, 'keys' | 'toolkits'>
  /** Milliseconds since 1970. @default `Date.now` */
  now?: (() => number) | undefined
  /** Gives the ids of new keys. @default UUIDv7 */
  newId?: (() => string) | undefined
  /** How long a key that was found is not looked up again, in milliseconds. @default 1_000 */
  rememberMs?: number | undefined
  /** Told of each revocation after it is committed: closes what the key has open (rule K5). */
  onRevoked?: ((key: StoredKey) => void) | undefined
  /** Told of each key that is seen in clear, when it is made and when it is authenticated. Must not throw. */
  onSeen?: ((key: Pick<StoredKey, 'id' | 'projectId' | 'kind'>, text: string) => void) | undefined
}

/** A key to be made. */
export interface KeyRequest {
  projectId: string
  kind: KeyKind
  /** 1 to 128 characters; empty or left out for a key without a name. */
  name?: string | undefined
  /**
   * The toolkit a toolkit key stands for, made when it is not there. Without it the key's name is the toolkit's; without
   * both the key binds to the first toolkit that is registered with it.
   */
  toolkitName?: string | undefined
  /** Milliseconds since 1970. @default never */
  expiresAt?: number | undefined
}

/** A new key. The only place where the key itself is ever seen. */
export interface CreatedKey {
  id: string
  kind: KeyKind
  name: string
  key: string
}

/** Makes, checks and revokes API keys. */
export interface KeyService {
  /** @throws AtpError `invalid_name` or `invalid_request` */
  create(request: KeyRequest): Promise<CreatedKey>
  /**
   * The key behind a text that a peer showed.
   * @throws AtpError `unauthorized`, the same one for every reason, or `forbidden` for a key of another kind
   */
  authenticate(text: string, allowedKinds: readonly KeyKind[]): Promise<StoredKey>
  /** Another process revoked a key: it is not taken any more. */
  forget(id: string): void
  /** Whether a key that was authenticated is neither revoked nor expired by now. */
  isLive(key: StoredKey): Promise<boolean>
  /** Newest first. */
  list(projectId: string): Promise<StoredKey[]>
  /**
   * Ends a key for good; doing it again changes nothing.
   * @throws AtpError `not_found` when the project has no such key
   */
  revoke(projectId: string, id: string): Promise<StoredKey>
}

/** Builds the key service on a store. */
export function createKeyService(options: KeyServiceOptions): KeyService {
  const { store, now = Date.now, newId = newUuid, onRevoked, onSeen, rememberMs = 1_000 } = options
  const recent = new RecentKeys(rememberMs)

  return {
    async create(request) {
      const { projectId, kind, expiresAt } = request
      const createdAt = now()
      const toolkitName = toolkitNameOf(request)
      const name = request.name || (toolkitName ?? '')
      if (name !== '') checkKeyName(name)
      if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > createdAt)) {
        throw new AtpError('invalid_request', 'A key must expire in the future: give the time in whole milliseconds')
      }
      const toolkit =
        toolkitName === undefined ? undefined : await store.toolkits.ensure(projectId, toolkitName, createdAt)
      const id = newId()
      const key = generateKey(kind)
      await store.keys.insert({
        id,
        projectId,
        kind,
        name,
        toolkitId: toolkit?.id ?? null,
        hash: hashKey(key),
        createdAt,
        expiresAt: expiresAt ?? null,
      })
      onSeen?.({ id, projectId, kind }, key)
      return { id, kind, name, key }
    },

    async authenticate(text, allowedKinds) {
      if (parseKey(text) === undefined) throw unauthorized()
      const hash = hashKey(text)
      const remembered = recent.find(hash)
      let question = recent.ask()
      let found = remembered ?? (await store.keys.findByHash(hash))
      // Revoked while the store answered: the answer may be from before, and this the key.
      while (recent.isOutdated(question)) {
        question = recent.ask()
        found = await store.keys.findByHash(hash)
      }
      if (found === undefined) throw unauthorized()
      const { hash: storedHash, ...key } = found
      if (!isSameHash(hash, storedHash) || key.revokedAt !== null) throw unauthorized()
      if (key.expiresAt !== null && key.expiresAt <= now()) throw unauthorized()
      if (!allowedKinds.includes(key.kind)) throw wrongKind(key.kind, allowedKinds)
      if (found !== remembered) recent.remember(found, question)
      onSeen?.(key, text)
      return key
    },

    forget: (id) => recent.forget(id),

    async isLive({ projectId, id }) {
      const key = await store.keys.find(projectId, id)
      return key !== undefined && key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now())
    },

    list: (projectId) => store.keys.list(projectId),

    async revoke(projectId, id) {
      const key = await store.keys.revoke(projectId, id, now())
      if (key === undefined) {
        throw new AtpError(
          'not_found',
          `There is no key "${id.slice(0, 80)}" in this project: list its keys to see their ids`,
        )
      }
      recent.forget(key.id)
      onRevoked?.(key)
      return key
    },
  }
}

function toolkitNameOf({ kind, name, toolkitName }: KeyRequest): string | undefined {
  if (kind !== 'toolkit') {
    if (toolkitName === undefined) return undefined
    throw new AtpError('invalid_request', `A key of kind "${kind}" stands for no toolkit: leave the toolkit name out`)
  }
  const wanted = toolkitName ?? (name || undefined)
  if (wanted !== undefined) checkAppName(wanted)
  return wanted
}

function checkKeyName(name: string): void {
  if (isAppName(name)) return
  throw new AtpError(
    'invalid_name',
    `Key name "${name.slice(0, 80)}" is not allowed: use 1 to ${maxAppNameLength} characters, no control characters`,
  )
}

/** Always this message: what is wrong with a key helps only those who guess (rule K3). */
function unauthorized(): AtpError {
  return new AtpError(
    'unauthorized',
    'The API key is malformed, unknown, revoked or expired: check it or make a new one',
  )
}

function wrongKind(kind: KeyKind, allowedKinds: readonly KeyKind[]): AtpError {
  const needed = allowedKinds.map((allowed) => `"${allowed}"`).join(' or ')
  return new AtpError('forbidden', `This needs a key of kind ${needed}, the key given is of kind "${kind}"`)
}

function isSameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
