import type { Logger, ToolDescriptor } from '@atp/core'
import type { MessageBus } from './bus/message-bus.ts'
import type { Call } from './calls/call.ts'
import type { CallLog } from './calls/call-log.ts'
import { CallQueries } from './calls/call-queries.ts'
import { CallRouter } from './calls/call-router.ts'
import { CallStreams } from './calls/call-streams.ts'
import { restoreCalls } from './calls/restore-calls.ts'
import { StoredCalls } from './calls/stored-calls.ts'
import type { ToolNames } from './calls/tool-names.ts'
import type { ToolkitDirectory } from './calls/toolkit-directory.ts'
import { DeliveryChain } from './delivery/delivery-chain.ts'
import { EndpointDelivery } from './delivery/endpoint.ts'
import { InboxDelivery } from './delivery/inbox.ts'
import { RetryBudget } from './delivery/retry-budget.ts'
import { allProcesses, type ServingProcesses } from './delivery/serving-processes.ts'
import { SocketDelivery } from './delivery/socket.ts'
import { newId } from './keys/ids.ts'
import type { ServerLimits } from './limits.ts'
import { createGroupedDurableStore, type DurableWriter } from './store/grouped-durable-store.ts'
import type { Store } from './store/store.ts'
import type { Teardown } from './teardown.ts'
import type { CallTracing } from './tracing/call-tracing.ts'
import type { CallSeal } from './vault/call-seal.ts'
import type { Vault } from './vault/vault.ts'

/** What {@link createCalls} needs. */
export interface CreateCallsOptions {
  store: Store
  vault: Vault
  seal: CallSeal
  bus: MessageBus
  directory: ToolkitDirectory
  toolNames: ToolNames
  log: CallLog
  limits: ServerLimits
  dev: boolean
  tracing: CallTracing
  logger: Logger
}

/** All that brings calls to toolkits. */
export interface Calls {
  readonly router: CallRouter
  readonly queries: CallQueries
  readonly streams: CallStreams
  readonly stored: StoredCalls
  readonly writer: DurableWriter
  readonly socket: SocketDelivery
  readonly inbox: InboxDelivery
  /** The processes that serve toolkits, with and without a socket. */
  readonly processes: ServingProcesses
  /** Takes over what an earlier server left. Once, before the first call. */
  restore(): Promise<void>
}

/** Builds the ways of a call, closed in reverse order by the teardown. */
export async function createCalls(options: CreateCallsOptions, opened: Teardown): Promise<Calls> {
  const { store, vault, seal, bus, directory, toolNames, log, limits, dev, tracing, logger } = options
  const writer = createGroupedDurableStore(store.durable)
  opened.add(() => writer.close())
  const stored = new StoredCalls({ writer, seal, logger })
  opened.add(() => stored.stop())
  const retryBudget = new RetryBudget()
  const { dispatchAttempts: maxAttempts, resumeMs } = limits
  const socket = new SocketDelivery({ maxAttempts, resumeMs, retryBudget })
  const toolOf = async ({ key, toolkit, tool }: Call): Promise<ToolDescriptor | undefined> =>
    (await directory.resolve(key.projectId, toolkit.id))?.tools.get(tool.name)
  const inbox = new InboxDelivery({ stored, writer, limits, logger, toolOf })
  opened.add(() => inbox.stop())
  const endpoint = await EndpointDelivery.create({
    store,
    vault,
    bus,
    logger,
    limits,
    dev,
    retryBudget,
    maxConcurrency: limits.endpointCallsPerToolkit,
  })
  opened.add(() => endpoint.close())
  const deliveries = new DeliveryChain([socket, endpoint, inbox])
  const router = new CallRouter({
    directory,
    toolNames,
    deliveries,
    stored,
    log,
    newId,
    limits: { maxCalls: limits.callsInFlightPerKey, maxRequestChars: limits.requestCharsPerKey },
    tracing,
  })
  const streams = new CallStreams({ keepMs: limits.streamKeepMs })
  opened.add(() => streams.stop())
  return {
    router,
    queries: new CallQueries({ router, stored, writer, directory }),
    streams,
    stored,
    writer,
    socket,
    inbox,
    processes: allProcesses([socket, inbox]),
    restore: () =>
      restoreCalls({
        keys: store.keys,
        writer,
        stored,
        directory,
        router,
        deliveries,
        socket,
        inbox,
        restoreMs: limits.restoreMs,
        logger,
      }),
  }
}
