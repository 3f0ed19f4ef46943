import { messageOf } from '../errors/to-utcp-error.ts'
import { UtcpError, UtcpProtocolCloseError } from '../errors/utcp-error.ts'
import type { CommunicationProtocol, ProtocolFactory } from '../protocol/communication-protocol.ts'

/** The protocols of one client: its own ones, which it closes, and shared ones, which it does not. */
export class ProtocolSet {
  readonly #byType = new Map<string, CommunicationProtocol>()
  readonly #owned: CommunicationProtocol[] = []

  private constructor() {}

  /**
   * Makes the protocols of a client; what was made is closed again when one of them cannot be made.
   * @throws UtcpError `invalid_config` when two serve the same type
   */
  static async create(protocols: readonly (CommunicationProtocol | ProtocolFactory)[]): Promise<ProtocolSet> {
    const set = new ProtocolSet()
    try {
      for (const [index, each] of protocols.entries()) set.#add(each, index)
      return set
    } catch (error) {
      await set.closeOwned().catch(() => {})
      throw error
    }
  }

  #add(each: CommunicationProtocol | ProtocolFactory, index: number): void {
    let protocol: CommunicationProtocol
    if (typeof each === 'function') {
      try {
        protocol = each()
      } catch (error) {
        throw new UtcpError('invalid_config', `protocols[${index}]: ${messageOf(error)}`, {
          cause: error,
          path: `protocols[${index}]`,
        })
      }
      this.#owned.push(protocol)
    } else protocol = each
    for (const type of protocol.callTemplateTypes) {
      if (this.#byType.has(type)) {
        throw new UtcpError('invalid_config', `protocols[${index}]: another protocol serves "${type}" already`, {
          path: `protocols[${index}]`,
        })
      }
      this.#byType.set(type, protocol)
    }
  }

  get types(): readonly string[] {
    return [...this.#byType.keys()]
  }

  get(type: string): CommunicationProtocol | undefined {
    return this.#byType.get(type)
  }

  /**
   * Closes all owned protocols at the same time and waits for every one.
   * @throws UtcpProtocolCloseError with all failures
   */
  async closeOwned(): Promise<void> {
    await closeAll(
      this.#owned.map((protocol) => ({
        part: `protocol ${protocol.callTemplateTypes.join(', ')}`,
        close: () => protocol.close(),
      })),
    )
  }
}

/** Closes several things at the same time and waits for each. @throws UtcpProtocolCloseError with all failures */
export async function closeAll(parts: readonly { part: string; close: () => Promise<void> | void }[]): Promise<void> {
  const results = await Promise.allSettled(parts.map(async ({ close }) => close()))
  const failures = results.flatMap((result, index) => {
    if (result.status === 'fulfilled') return []
    const error: unknown = result.reason
    const part = parts[index]?.part ?? ''
    return error instanceof UtcpProtocolCloseError ? error.failures : [{ part, error }]
  })
  if (failures.length > 0) throw new UtcpProtocolCloseError(failures)
}
