import { silentLogger } from '@atp/core'
import { expect, it } from 'vitest'
import { createMemoryBus } from '../../../src/bus/memory.ts'
import { LegacyProcesses } from '../../../src/compat/legacy-processes.ts'
import { SocketDelivery } from '../../../src/delivery/socket.ts'
import type { PeerSocket } from '../../../src/gateway/peer-socket.ts'
import type { StoredKey } from '../../../src/store/store.ts'
import { makeCall } from '../../support/make-call.ts'

/** A process that runs a tool: it gives no sign of life. */
function silentSocket(sent: string[]): PeerSocket {
  const socket: Partial<PeerSocket> = {
    open: true,
    congested: false,
    lastSeen: 0,
    mayBeSilentUntil: 0,
    onClose: () => {},
    ping: () => {},
    send: (text) => void sent.push((JSON.parse(text) as { payload: { request_id: string } }).payload.request_id),
  }
  return socket as PeerSocket
}

const key: StoredKey = {
  ...{ id: 'key', projectId: 'project-1', kind: 'toolkit', name: '', toolkitId: 'toolkit-1' },
  ...{ createdAt: 0, expiresAt: null, revokedAt: null },
}

/** Processes whose tools are read when `reading` allows. */
async function processesWith(reading: () => Promise<void>) {
  const delivery = new SocketDelivery()
  const processes = await LegacyProcesses.create({
    store: {
      legacy: {
        codeHashes: async () => {
          await reading()
          return new Map([['tool', 'hash']])
        },
      },
    } as never,
    ...{ bus: createMemoryBus(silentLogger), delivery, maxCallsPerProcess: 10, logger: silentLogger },
  })
  return { delivery, processes }
}

it('of one key: the older one serves until the younger one can, not only until it has connected', async () => {
  let read = Promise.resolve()
  const { delivery, processes } = await processesWith(() => read)
  const [older, younger]: [string[], string[]] = [[], []]
  await processes.join(silentSocket(older), key, () => {})
  const reading = Promise.withResolvers<void>()
  read = reading.promise
  const joining = processes.join(silentSocket(younger), key, () => {})
  const { call: meanwhile } = makeCall({ id: 'meanwhile' })
  expect(delivery.dispatch(meanwhile)).toBeUndefined()
  reading.resolve()
  await joining
  const { call: afterwards } = makeCall({ id: 'afterwards' })
  expect(delivery.dispatch(afterwards)).toBeUndefined()
  expect([older, younger]).toEqual([['meanwhile'], ['afterwards']])
})

it('of one key that come at once: the younger one serves, though the older one is ready later', async () => {
  const reads: (() => void)[] = []
  const { delivery, processes } = await processesWith(() => new Promise((resolve) => reads.push(resolve)))
  const [older, younger]: [string[], string[]] = [[], []]
  const joined = [older, younger].map((sent) => processes.join(silentSocket(sent), key, () => {}))
  for (const read of reads.reverse()) read()
  await Promise.all(joined)
  const { call } = makeCall()
  expect(delivery.dispatch(call)).toBeUndefined()
  expect([older, younger]).toEqual([[], ['call-1']])
})
