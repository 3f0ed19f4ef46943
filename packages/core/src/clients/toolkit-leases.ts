import type { AtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { Session } from './session.ts'

/** A call that is leased, and what happens when it is not ours any more. */
export interface LeaseRequest {
  requestId: string
  leaseId: string
  /** How long the lease holds, in milliseconds. */
  leaseMs: number
  /** The session on which the call came. */
  origin: Session
  /** Called when a lease that was granted is lost. */
  onLost(): void
}

interface Lease extends LeaseRequest {
  /** Set while the server has not granted it. */
  grant: ((granted: boolean) => void) | undefined
  renewal: ReturnType<typeof setInterval>
  /** When a lease that is not granted is given up. */
  patience: ReturnType<typeof setTimeout> | undefined
}

/** A lease is renewed this many times before it ends. */
const renewals = 3
/** A server that grants less than this is not asked more often. */
const minRenewMs = 100
/** No call lives longer; also what timers take. */
const maxLeaseMs = 600_000

/** Asks for leases, and renews each until it is released or lost (rule D3). */
export class ToolkitLeases {
  readonly #route: (origin: Session) => Session | undefined
  readonly #logger: Logger
  /** By call. */
  readonly #leases = new Map<string, Lease>()

  /** @param route where frames of a call go that came on a session */
  constructor(route: (origin: Session) => Session | undefined, logger: Logger) {
    this.#route = route
    this.#logger = logger
  }

  /** Whether that lease is held or asked for. */
  has(requestId: string, leaseId: string | undefined): boolean {
    return this.#leases.get(requestId)?.leaseId === leaseId
  }

  /** Resolves with whether the call may run: the server granted the lease within the time that it holds. */
  acquire(request: LeaseRequest): Promise<boolean> {
    const { requestId } = request
    const leaseMs = Math.min(request.leaseMs, maxLeaseMs)
    // The server delivers a call anew once it took the lease away.
    this.#lose(requestId)
    return new Promise((grant) => {
      const lease: Lease = {
        ...request,
        grant,
        renewal: setInterval(() => this.#ask(lease), Math.max(minRenewMs, leaseMs / renewals)),
        patience: setTimeout(() => this.#lose(requestId), leaseMs),
      }
      this.#leases.set(requestId, lease)
      this.#ask(lease)
    })
  }

  /** The server granted or renewed a lease. */
  acked(requestId: string, leaseId: string): void {
    const lease = this.#leases.get(requestId)
    if (lease === undefined || lease.leaseId !== leaseId) return
    clearTimeout(lease.patience)
    lease.grant?.(true)
    lease.grant = undefined
  }

  /**
   * Returns whether that was the answer to a lease; any other failure than its loss is tried again.
   * @param leaseId the lease that the server names, if it names one: an earlier one of the call is none of this one's business
   */
  refused(requestId: string, error: AtpError, leaseId?: unknown): boolean {
    const lease = this.#leases.get(requestId)
    if (lease === undefined || (leaseId !== undefined && leaseId !== lease.leaseId)) return false
    if (error.code === 'lease_lost') this.#lose(requestId)
    else this.#logger.warn('lease.not_renewed', { callId: requestId, error: error.message })
    return true
  }

  /** Asks for all leases at once, on the sessions of this moment: a lost session may have swallowed what was asked. */
  opened(): void {
    for (const lease of this.#leases.values()) this.#ask(lease)
  }

  /** The call has its outcome. */
  release(requestId: string, leaseId: string): void {
    if (this.has(requestId, leaseId)) this.#remove(requestId)
  }

  /** Gives up all leases; what waits for one does not run. */
  stop(): void {
    for (const requestId of [...this.#leases.keys()]) this.#remove(requestId)?.grant?.(false)
  }

  #ask({ requestId, leaseId, origin }: Lease): void {
    this.#route(origin)?.send({ type: 'ack', requestId, leaseId })
  }

  #lose(requestId: string): void {
    const lease = this.#remove(requestId)
    if (lease === undefined) return
    this.#logger.info('lease.lost', { callId: requestId, leaseId: lease.leaseId })
    if (lease.grant) lease.grant(false)
    else lease.onLost()
  }

  #remove(requestId: string): Lease | undefined {
    const lease = this.#leases.get(requestId)
    if (lease === undefined) return undefined
    this.#leases.delete(requestId)
    clearInterval(lease.renewal)
    clearTimeout(lease.patience)
    return lease
  }
}
