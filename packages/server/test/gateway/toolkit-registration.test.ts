import { silentLogger } from '@atp/core'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryBus } from '../../src/bus/memory.ts'
import { SocketDelivery, type ToolkitPeer } from '../../src/delivery/socket.ts'
import type { PeerSocket } from '../../src/gateway/peer-socket.ts'
import { RateWindow } from '../../src/gateway/rate-window.ts'
import { ToolkitRegistration } from '../../src/gateway/toolkit-registration.ts'
import { defaultLimits, type ServerLimits } from '../../src/limits.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StoredToolkit } from '../../src/store/store.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'
import { wireTool } from '../support/raw-peer.ts'

let store: Store
let toolkit: StoredToolkit
let peer: ToolkitPeer
let frames: Record<string, unknown>[]
let refused: { code: string; requestId: string | undefined }[]
let socket: PeerSocket

beforeEach(async () => {
  store = await openSqliteStore({ folder: await temporaryFolder(), serve: false, logger: silentLogger })
  onTestFinished(() => store.close())
  const project = await store.projects.ensure('ours', 1)
  toolkit = await store.toolkits.ensure(project.id, 'one', 1)
  frames = []
  refused = []
  socket = {
    open: true,
    gone: false,
    congested: false,
    send: (text: string) => frames.push(JSON.parse(text)),
    refuse: (error: { code: string }, requestId?: string) => refused.push({ code: error.code, requestId }),
  } as unknown as PeerSocket
  peer = {
    socket,
    toolkitId: toolkit.id,
    tools: new Set(),
    toolsHash: undefined,
    maxConcurrency: 1,
    running: new Map(),
    paused: false,
    sendCall: vi.fn(),
    sendCancel: vi.fn(),
  }
})

function registration(
  limits: Partial<ServerLimits> = {},
  more: { toolkits?: Store['toolkits']; max?: number; rate?: RateWindow } = {},
) {
  const delivery = new SocketDelivery()
  delivery.add(peer)
  return new ToolkitRegistration(
    peer,
    socket,
    { toolkit, keyId: 'key' },
    {
      store: { toolkits: more.toolkits ?? store.toolkits },
      bus: createMemoryBus(silentLogger),
      processes: delivery,
      limits: { ...defaultLimits, ...limits },
      logger: silentLogger,
      rate: more.rate ?? new RateWindow(more.max ?? 100, 50),
    },
  )
}

const register = (requestId: string, names: string[]) =>
  ({
    type: 'register',
    requestId,
    toolkitHash: `hash of ${names}`,
    tools: names.map((name) => wireTool(name)),
  }) as const
const unregister = (requestId: string, tools: string[], rest: string[]) =>
  ({ type: 'unregister', requestId, toolkitHash: `hash of ${rest}`, tools }) as const

const answered = (requestId: string): Promise<Record<string, unknown>> =>
  vi.waitFor(() => {
    const frame = frames.find(({ request_id }) => request_id === requestId)
    if (!frame) throw new Error(`no answer to ${requestId}`)
    return frame
  }, 10_000)

describe('a change that cannot be stored', () => {
  it('leaves the process serving what it served, and its next one is taken', async () => {
    let broken = false
    const toolkits: Store['toolkits'] = {
      ...store.toolkits,
      find: (projectId, id) => store.toolkits.find(projectId, id),
      tools: (projectId, id) => store.toolkits.tools(projectId, id),
      register(...args) {
        return broken ? Promise.reject(new Error('the disk is full')) : store.toolkits.register(...args)
      },
    }
    const one = registration({}, { toolkits })
    one.take(register('r1', ['a', 'b']), 100)
    await answered('r1')
    broken = true
    one.take(unregister('r2', ['a'], ['b']), 100)
    one.take(register('r3', ['c']), 100)
    await vi.waitFor(() => expect(refused).toHaveLength(2))
    expect(refused).toEqual([
      { code: 'internal_error', requestId: 'r2' },
      { code: 'internal_error', requestId: 'r3' },
    ])
    expect([...peer.tools]).toEqual(['a', 'b'])
    expect(peer.toolsHash).toBe('hash of a,b')
    broken = false
    one.take(unregister('r4', ['a'], ['b']), 100)
    expect(await answered('r4')).toMatchObject({ tools: ['b'] })
    expect((await store.toolkits.tools(toolkit.projectId, toolkit.id)).map(({ name }) => name)).toEqual(['b'])
  })
})

describe('a toolkit that registers often', () => {
  it('is slowed down, and none of its registrations is lost', async () => {
    const one = registration({}, { max: 2 })
    for (let i = 1; i <= 7; i += 1) one.take(register(`r${i}`, [`tool_${i}`]), 100)
    expect(await answered('r7')).toMatchObject({ tools: ['tool_7'] })
    expect(frames.map(({ request_id }) => request_id)).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'])
    expect(refused).toEqual([])
  })

  it('waits for as long as the rate of its key says', async () => {
    const events: string[] = []
    const waits = [0, 1, 2, 0]
    const take = (keyId: string): number => {
      const waitMs = waits.shift() ?? 0
      events.push(`${keyId} ${waitMs}`)
      return waitMs
    }
    const one = registration({}, { rate: { take } as unknown as RateWindow })
    const send = socket.send.bind(socket)
    Object.assign(socket, {
      send(text: string) {
        events.push('answer')
        send(text)
      },
    })
    one.take(register('r1', ['a']), 100)
    one.take(register('r2', ['b']), 100)
    await answered('r2')
    expect(events).toEqual(['key 0', 'answer', 'key 1', 'key 2', 'key 0', 'answer'])
  })

  it('is refused when too many wait, or too much', async () => {
    const many = registration()
    for (let i = 0; i < 65; i += 1) many.take(register(`m${i}`, ['a']), 100)
    expect(refused).toEqual([{ code: 'rate_limited', requestId: 'm64' }])
    await answered('m63')
    const large = registration({ waitingRegistrationChars: 1_000 })
    large.take(register('l1', ['a']), 2_000)
    large.take(register('l2', ['a']), 10)
    expect(refused.slice(1)).toEqual([{ code: 'rate_limited', requestId: 'l2' }])
    await answered('l1')
    large.take(register('l3', ['a']), 10)
    await answered('l3')
  })

  it('changes nothing any more once it is gone', async () => {
    const one = registration({ waitingRegistrationChars: 1_000 }, { max: 1 })
    one.take(register('r1', ['a']), 100)
    await answered('r1')
    one.take(register('r2', ['b']), 1_000)
    Object.assign(socket, { gone: true })
    // While one waits there is no room for another; with room again, all that waited is done with.
    await vi.waitFor(() => {
      refused = []
      one.take(register('r3', ['c']), 1_000)
      expect(refused).toEqual([])
    }, 10_000)
    expect((await store.toolkits.tools(toolkit.projectId, toolkit.id)).map(({ name }) => name)).toEqual(['a'])
  })
})
