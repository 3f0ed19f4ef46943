import { expect, vi } from 'vitest'
import type { CallInit } from '../../src/calls/call.ts'
import type { SocketDelivery, ToolkitPeer } from '../../src/delivery/socket.ts'
import { makeCall } from '../support/make-call.ts'

/** A process that serves the tool of `makeCall`. */
export function connectTo(delivery: SocketDelivery) {
  const peer: ToolkitPeer = {
    socket: { open: true, congested: false },
    toolkitId: 'toolkit-1',
    tools: new Set(['tool']),
    toolsHash: undefined,
    maxConcurrency: 10,
    running: new Map(),
    paused: false,
    sendCall: vi.fn(),
    sendCancel: vi.fn(),
  }
  delivery.add(peer)
  return { peer, sendCall: vi.mocked(peer.sendCall), sendCancel: vi.mocked(peer.sendCancel) }
}

let calls = 0

/** Hands a call over. */
export function startOn(
  delivery: SocketDelivery,
  annotations: { idempotent?: boolean } = {},
  init: Partial<CallInit> = {},
) {
  calls += 1
  const { call, onOutcome } = makeCall({ id: `call-${calls}`, ...init })
  Object.assign(call.tool, { annotations })
  expect(delivery.dispatch(call)).toBeUndefined()
  return { call, outcome: (): unknown => onOutcome.mock.calls[0]?.[0] }
}

/** What a call ends with whose process was lost. */
export const disconnected = { ok: false, error: { code: 'toolkit_disconnected' } }
