import { createHmac } from 'node:crypto'
import type { Logger } from '@atp/core'
import type { MessageBus } from '../bus/message-bus.ts'
import { endpointSecretAddress } from '../keys/endpoint-secret.ts'
import type { Store, StoredKey, StoredToolkit } from '../store/store.ts'
import type { Vault } from '../vault/vault.ts'

/** What {@link EndpointSignatures} works with. */
export interface EndpointSignaturesOptions {
  store: Pick<Store, 'keys'>
  vault: Pick<Vault, 'get'>
  bus: MessageBus
  logger: Logger
}

/** How long the secrets of a toolkit are kept in memory at most, in milliseconds. */
const lifeMs = 10_000

/** How many toolkits they are kept of at most. */
const maxEntries = 1_000

/** More signatures would not fit into the headers that servers take. The newest keys are the ones in use. */
const maxSignatures = 64

/** The secrets of the live keys of one toolkit. */
interface Entry {
  keyIds: ReadonlySet<string>
  secrets: readonly Buffer[]
  /** Monotonic. */
  until: number
}

/** What is signed, as Standard Webhooks have it. */
export interface SignedContent {
  id: string
  /** Seconds since 1970. */
  timestamp: number
  body: Buffer
}

/** Signs calls to endpoints with what the live keys of their toolkit stand for. */
export class EndpointSignatures {
  readonly #options: EndpointSignaturesOptions
  readonly #entries = new Map<string, Entry>()
  readonly #loading = new Map<string, Promise<Entry>>()
  /** Counts revocations, so that what was read before one is not kept after it. */
  #version = 0

  private constructor(options: EndpointSignaturesOptions) {
    this.#options = options
  }

  /** Makes a signer that forgets the secret of a key when the bus says that it is revoked. */
  static async create(options: EndpointSignaturesOptions): Promise<EndpointSignatures> {
    const signatures = new EndpointSignatures(options)
    await options.bus.subscribe('key.revoked', ({ keyId }) => signatures.#forget(keyId))
    return signatures
  }

  /**
   * The value of `webhook-signature`: one signature for each live key of the toolkit. Undefined when there is none whose
   * secret is known. Rejects as the store does.
   */
  async sign(
    toolkit: Pick<StoredToolkit, 'id' | 'projectId'>,
    { id, timestamp, body }: SignedContent,
  ): Promise<string | undefined> {
    const { secrets } = await this.#entryOf(toolkit)
    if (secrets.length === 0) return undefined
    const sign = (secret: Buffer): string =>
      createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64')
    return secrets.map((secret) => `v1,${sign(secret)}`).join(' ')
  }

  async #entryOf(toolkit: Pick<StoredToolkit, 'id' | 'projectId'>): Promise<Entry> {
    const known = this.#entries.get(toolkit.id)
    if (known !== undefined && known.until > performance.now()) return known
    const loading = this.#loading.get(toolkit.id) ?? this.#load(toolkit).finally(() => this.#loading.delete(toolkit.id))
    this.#loading.set(toolkit.id, loading)
    return loading
  }

  async #load(toolkit: Pick<StoredToolkit, 'id' | 'projectId'>): Promise<Entry> {
    const version = this.#version
    const { store } = this.#options
    const now = Date.now()
    const live = (await store.keys.list(toolkit.projectId)).filter(
      (key) =>
        key.kind === 'toolkit' &&
        key.toolkitId === toolkit.id &&
        key.revokedAt === null &&
        (key.expiresAt === null || key.expiresAt > now),
    )
    const keyIds = new Set<string>()
    const secrets: Buffer[] = []
    for (const key of live.slice(0, maxSignatures)) {
      const secret = await this.#secretOf(key)
      if (secret === undefined) continue
      keyIds.add(key.id)
      secrets.push(secret)
    }
    // Revoked in between: one of these may be the one.
    if (version !== this.#version) return this.#load(toolkit)
    const entry = { keyIds, secrets, until: performance.now() + Math.min(lifeMs, untilExpiryMs(live)) }
    if (this.#entries.size >= maxEntries) this.#entries.clear()
    // What was not found may be on its way: a key's secret is stored after it was seen.
    if (secrets.length > 0) this.#entries.set(toolkit.id, entry)
    return entry
  }

  /** One secret that cannot be read must not keep the others from being used. */
  async #secretOf(key: StoredKey): Promise<Buffer | undefined> {
    const { vault, logger } = this.#options
    try {
      return await vault.get(endpointSecretAddress(key))
    } catch (error) {
      logger.warn('endpoint.secret_unreadable', { keyId: key.id, error: String(error) })
      return undefined
    }
  }

  #forget(keyId: string): void {
    this.#version += 1
    for (const [toolkitId, { keyIds }] of this.#entries) if (keyIds.has(keyId)) this.#entries.delete(toolkitId)
  }
}

/** How long all of these keys are live. */
function untilExpiryMs(keys: readonly StoredKey[]): number {
  return Math.min(...keys.map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY)) - Date.now()
}
