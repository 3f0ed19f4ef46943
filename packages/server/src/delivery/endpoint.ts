import { AtpError, type Logger } from '@atp/core'
import { createGuardedFetch, type GuardedFetch, type GuardedFetchOptions } from '@atp/egress'
import type { MessageBus } from '../bus/message-bus.ts'
import type { Call } from '../calls/call.ts'
import type { ServerLimits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import type { Vault } from '../vault/vault.ts'
import type { Delivery } from './delivery.ts'
import { EndpointRun, type EndpointRunParts } from './endpoint-run.ts'
import { EndpointSignatures } from './endpoint-signatures.ts'
import { RetryBudget } from './retry-budget.ts'

/** What {@link EndpointDelivery} works with. */
export interface EndpointDeliveryOptions {
  store: Pick<Store, 'keys'>
  vault: Pick<Vault, 'get'>
  bus: MessageBus
  logger: Logger
  limits: Pick<ServerLimits, 'dispatchAttempts' | 'resultBytes'>
  /** Whether endpoints of this machine may be called, without TLS too. */
  dev: boolean
  /** Shared with the other deliveries. @default one of its own */
  retryBudget?: RetryBudget | undefined
  /** Calls at once to one toolkit; more are answered `busy`. @default 64 */
  maxConcurrency?: number | undefined
  /** @default `createGuardedFetch` */
  createFetch?: ((options: GuardedFetchOptions) => GuardedFetch) | undefined
}

/** Posts calls to the URL of a toolkit, signed with what its keys stand for, through the guard of rules E. */
export class EndpointDelivery implements Delivery {
  readonly kind = 'endpoint'
  readonly #parts: EndpointRunParts
  readonly #maxConcurrency: number
  /** By call id. */
  readonly #runs = new Map<string, EndpointRun>()
  /** How many run of each toolkit, stopped ones included until their request has ended. */
  readonly #running = new Map<string, number>()

  private constructor(parts: EndpointRunParts, maxConcurrency: number) {
    this.#parts = parts
    this.#maxConcurrency = maxConcurrency
  }

  /** Makes a delivery that forgets keys when the bus says that they are revoked. */
  static async create(options: EndpointDeliveryOptions): Promise<EndpointDelivery> {
    const { logger, limits, dev, retryBudget = new RetryBudget(), createFetch = createGuardedFetch } = options
    const guarded = createFetch({
      allowLoopbackHttp: dev,
      redirect: 'error',
      // Calls have limits of their own: whoever ends one cancels it here, and what is read of an answer is counted.
      totalTimeoutMs: Number.POSITIVE_INFINITY,
      maxResponseBytes: Number.POSITIVE_INFINITY,
    })
    const signatures = await EndpointSignatures.create(options)
    const { dispatchAttempts: maxAttempts, resultBytes } = limits
    const parts = { fetch: guarded, signatures, retryBudget, maxAttempts, resultBytes, logger }
    return new EndpointDelivery(parts, options.maxConcurrency ?? 64)
  }

  refusal({ toolkit, app }: Call): AtpError | undefined {
    if (toolkit.endpointUrl === null) {
      return new AtpError('toolkit_offline', `Toolkit "${toolkit.appName}" has no endpoint; set its URL, or connect it`)
    }
    if (app !== undefined) {
      const message = `Toolkit "${toolkit.appName}" is reached at a URL, which keeps no sessions: its apps need a process that is connected`
      return new AtpError('unsupported', message)
    }
    if (this.#count(toolkit.id) < this.#maxConcurrency) return undefined
    return new AtpError('busy', `Toolkit "${toolkit.appName}" is busy with other calls; send the call again later`)
  }

  dispatch(call: Call): AtpError | undefined {
    const refusal = this.refusal(call)
    const { id: toolkitId, endpointUrl } = call.toolkit
    if (refusal !== undefined || endpointUrl === null) return refusal
    const run = new EndpointRun(call, endpointUrl, this.#parts)
    this.#runs.set(call.id, run)
    this.#running.set(toolkitId, this.#count(toolkitId) + 1)
    void run.run().then(() => {
      this.#runs.delete(call.id)
      const left = this.#count(toolkitId) - 1
      if (left > 0) this.#running.set(toolkitId, left)
      else this.#running.delete(toolkitId)
    })
    return undefined
  }

  cancel(call: Call, _reason: string): void {
    this.#runs.get(call.id)?.stop()
  }

  /** Ends all connections. Obligation: all calls have their outcome. */
  close(): Promise<void> {
    return this.#parts.fetch.close()
  }

  #count(toolkitId: string): number {
    return this.#running.get(toolkitId) ?? 0
  }
}
