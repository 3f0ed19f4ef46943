import { AtpError, isAtpError, type Logger, toWireError } from '@atp/core'
import type { DeliveryChain } from '../delivery/delivery-chain.ts'
import type { InboxDelivery } from '../delivery/inbox.ts'
import type { SocketDelivery } from '../delivery/socket.ts'
import type { StoredCall } from '../store/durable-store.ts'
import type { DurableWriter } from '../store/grouped-durable-store.ts'
import type { KeyStore } from '../store/store.ts'
import { type Call, disconnectedError } from './call.ts'
import type { CallRouter } from './call-router.ts'
import { steadyNow } from './steady-clock.ts'
import { type StoredCalls, type StoredRequest, tokenFor } from './stored-calls.ts'
import type { ToolkitDirectory } from './toolkit-directory.ts'

/** What {@link restoreCalls} works with. */
export interface RestoreCallsOptions {
  keys: KeyStore
  writer: DurableWriter
  stored: StoredCalls
  directory: ToolkitDirectory
  router: CallRouter
  deliveries: DeliveryChain
  socket: SocketDelivery
  inbox: InboxDelivery
  /** How long calls that may run somewhere wait for whoever runs them, in milliseconds. */
  restoreMs: number
  logger: Logger
}

const rowsPerPage = 500

/**
 * Takes over the calls that an earlier server left: each gets its one outcome here. Resolves once all are known; no call
 * may be accepted before.
 */
export async function restoreCalls(options: RestoreCallsOptions): Promise<void> {
  let restored = 0
  for (let after: string | undefined; ; ) {
    const rows = await options.writer.unfinished(rowsPerPage, after)
    for (const row of rows) await restoreCall(row, options)
    restored += rows.length
    after = rows.at(-1)?.id
    if (rows.length < rowsPerPage) break
  }
  if (restored > 0) options.logger.info('calls.restored', { calls: restored })
}

async function restoreCall(row: StoredCall, options: RestoreCallsOptions): Promise<void> {
  const { keys, stored, directory, router, logger } = options
  try {
    const { projectId } = row
    const key = await keys.find(projectId, row.keyId)
    const entry = await directory.resolve(projectId, row.toolkitId)
    const tool = entry?.tools.get(row.tool)
    if (!key || !entry || !tool) throw lostTool(row)
    // The inbox reads it when it hands the call out.
    const request: StoredRequest = row.delivery === 'inbox' ? { params: {} } : await stored.openRequest(row)
    router.restore({
      call: {
        id: row.id,
        key,
        toolkit: entry.toolkit,
        tool,
        params: request.params,
        authToken: tokenFor(request, tool),
        meta: request.meta,
        app: request.app,
        // A clock that was set meanwhile must not give it more than it had.
        leftMs: Math.min(row.timeoutMs, Math.max(0, row.deadlineAt - steadyNow())),
        timeoutMs: row.timeoutMs,
        startedAt: row.createdAt,
        survives: true,
        // What could run twice as it was stored was bound to no process, whatever its tool is now.
        meantFor: row.idempotent && tool.annotations.idempotent !== true ? undefined : request.meantFor,
        dataKeyId: row.dataKeyId,
      },
      dispatch: (call) => dispatchAgain(call, row, options),
    })
  } catch (error) {
    if (isUnavailable(error)) throw error
    logger.warn('call.not_restored', { callId: row.id, error: String(error) })
    await stored.endRow(row, { ok: false, error: toWireError(error) }).catch((unwritten: unknown) => {
      if (isUnavailable(unwritten)) throw unwritten
      // One call whose data key is lost must not keep the server, and all the others, from going on.
      logger.error('call.outcome_not_written', { callId: row.id, error: String(unwritten) })
    })
  }
}

function isUnavailable(error: unknown): boolean {
  return isAtpError(error) && error.code === 'store_unavailable'
}

function dispatchAgain(call: Call, row: StoredCall, options: RestoreCallsOptions): AtpError | undefined {
  switch (row.delivery) {
    case 'inbox':
      call.delivery = 'inbox'
      options.inbox.restore(call, row)
      return undefined
    case 'socket':
      call.delivery = 'socket'
      options.socket.restore(call, options.restoreMs)
      return undefined
    case 'endpoint':
      call.delivery = 'endpoint'
      // It may have been sent.
      call.dispatched()
      return row.idempotent && !options.deliveries.dispatchBy('endpoint', call) ? undefined : disconnectedError(call)
    default:
      return row.delivery satisfies never
  }
}

/** Its toolkit lost the tool, or its key is gone, while the server was down. */
function lostTool(row: StoredCall): AtpError {
  return row.state === 'queued'
    ? new AtpError('delivery_failed', `Tool "${row.tool}" is gone; the call did not run`)
    : new AtpError('outcome_unknown', `Tool "${row.tool}" is gone; whether the call finished is unknown`)
}
