import { silentLogger } from '@atp/core'
import { beforeEach, expect, it, vi } from 'vitest'
import type { CallRouter } from '../../src/calls/call-router.ts'
import type { ContextService } from '../../src/calls/context-service.ts'
import { createLlmGateway } from '../../src/gateway/llm-socket.ts'
import type { PeerSocket } from '../../src/gateway/peer-socket.ts'
import { defaultLimits } from '../../src/limits.ts'
import { makeCall } from '../support/make-call.ts'

type Context = Awaited<ReturnType<ContextService['get']>>

let frames: Record<string, unknown>[]
let socket: PeerSocket
let looking: PromiseWithResolvers<Context>

beforeEach(async () => {
  frames = []
  looking = Promise.withResolvers()
  socket = {
    congested: false,
    onClose: vi.fn(),
    send: (text: string) => frames.push(JSON.parse(text)),
  } as unknown as PeerSocket
  const gateway = createLlmGateway({
    router: {} as CallRouter,
    contexts: { get: () => looking.promise },
    limits: defaultLimits,
    logger: silentLogger,
  })
  await gateway.welcome(socket, makeCall().call.key, {
    type: 'hello',
    protocol: 2,
    capabilities: [],
    instanceId: 'i',
  })
})

const ask = (requestId: string, userPrompt = ''): void =>
  socket.onText(JSON.stringify({ type: 'context', request_id: requestId, toolkit_id: 't', user_prompt: userPrompt }))

const codes = (): unknown[] =>
  frames
    .filter(({ type }) => type === 'error')
    .map(({ request_id, error }) => [request_id, (error as { code: string }).code])

const context: Context = {
  toolkitId: 't',
  toolkitName: 't',
  caption: '',
  provider: 'openai',
  tools: [],
  warnings: [],
  userPrompt: '',
}

it('looks up so many contexts at once, and answers busy above', async () => {
  for (let i = 0; i < 65; i += 1) ask(`c${i}`)
  expect(codes()).toEqual([['c64', 'busy']])
  looking.resolve(context)
  await vi.waitFor(() => expect(frames.filter(({ type }) => type === 'context')).toHaveLength(64))
  ask('again')
  await vi.waitFor(() => expect(frames.filter(({ type }) => type === 'context')).toHaveLength(65))
})

it('keeps so much of their requests, but always takes one', async () => {
  for (let i = 0; i < 5; i += 1) ask(`c${i}`, 'x'.repeat(1_000_000))
  expect(codes()).toEqual([['c4', 'busy']])
  looking.resolve(context)
  await vi.waitFor(() => expect(frames.filter(({ type }) => type === 'context')).toHaveLength(4))
})

it('answers busy for a peer that does not read', () => {
  Object.assign(socket, { congested: true })
  ask('c')
  expect(codes()).toEqual([['c', 'busy']])
})
