import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ToolKitClient, type ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import { decodeFromToolkit, encodeFrame } from '../../src/protocol/codec.ts'
import type { Frame, FromToolkitFrame } from '../../src/protocol/frames.ts'
import { Mailbox } from '../transport/mailbox.ts'
import { welcomeFrame } from './scripted-server.ts'

/** A poll that is open, to be answered by the test. */
interface Poll {
  max: number
  instanceId: string
  answer(frames: Frame[]): void
}

let http: Server
let client: ToolKitClient
let frames: Mailbox<FromToolkitFrame>
let polls: Mailbox<Poll>
let keys: Set<string | undefined>
/** What the server answers with instead. */
let refusal: { status: number; body: unknown } | undefined
/** How often each request was cut before its answer. */
let cuts: number
/** Whether the server knows who polls. */
let knows: boolean
let instances: Set<string>

beforeEach(async () => {
  frames = new Mailbox()
  polls = new Mailbox()
  keys = new Set()
  instances = new Set()
  refusal = undefined
  cuts = 0
  knows = false
  http = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  client = make()
})
afterEach(async () => {
  await client.stop()
  http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
})

function make(options: Partial<ToolKitClientOptions> = {}): ToolKitClient {
  const { port } = http.address() as AddressInfo
  const made = new ToolKitClient({
    protocol: 'http',
    apiKey: 'atp_toolkit_key',
    appName: 'demo',
    baseUrl: `http://127.0.0.1:${port}`,
    backoff: { baseMs: 1, maxMs: 5 },
    ...options,
  })
  made.registerTool({ name: 'double', description: 'Doubles', params: ['n'] }, ({ n }) => Number(n) * 2)
  return made
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = JSON.parse(Buffer.concat(chunks).toString()) as { instance_id: string; max: number; frames: unknown[] }
  const answer = (status: number, value: unknown): void => {
    if (response.destroyed) return
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
  keys.add(request.headers.authorization)
  instances.add(body.instance_id)
  if (refusal) return answer(refusal.status, refusal.body)
  if (request.url === '/api/v2/toolkit/poll') {
    if (!knows) return answer(410, { error: 'say hello first', code: 'gone' })
    polls.push({
      max: body.max,
      instanceId: body.instance_id,
      answer: (list) => answer(200, { frames: list.map((frame) => JSON.parse(encodeFrame(frame)) as unknown) }),
    })
    return
  }
  expect(request.url).toBe('/api/v2/toolkit/frames')
  const answers = body.frames.flatMap((value) => serveFrame(JSON.stringify(value)))
  if (cuts > 0) {
    cuts -= 1
    request.socket.destroy()
  } else answer(200, { frames: answers.map((frame) => JSON.parse(encodeFrame(frame)) as unknown) })
}

function serveFrame(text: string): Frame[] {
  const decoded = decodeFromToolkit(text)
  if (!decoded.ok) throw decoded.error
  const { frame } = decoded
  frames.push(frame)
  switch (frame.type) {
    case 'hello':
      knows = true
      return [welcomeFrame({ capabilities: ['results'], toolkitId: 't1' })]
    case 'register':
      return [
        { type: 'registered', requestId: frame.requestId, toolkitId: 't1', tools: [], rejected: [], resend: false },
      ]
    case 'ack':
      return [{ type: 'acked', requestId: frame.requestId, leaseId: frame.leaseId ?? '' }]
    case 'result':
      return [{ type: 'received', requestIds: [frame.requestId] }]
    default:
      return []
  }
}

const call = (id: string, n: number): Frame => ({
  ...{ type: 'call', requestId: id, tool: 'double', params: { n }, deadlineMs: 60_000 },
  ...{ leaseId: `lease of ${id}`, leaseMs: 30_000 },
})

/** The next frame of a type; others are passed over. */
async function next<T extends FromToolkitFrame['type']>(type: T): Promise<Extract<FromToolkitFrame, { type: T }>> {
  for (;;) {
    const frame = await frames.next()
    if (frame.type === type) return frame as Extract<FromToolkitFrame, { type: T }>
  }
}

const types = (): string[] => frames.all.map(({ type }) => type)

describe('a toolkit over HTTP', () => {
  it('says hello, registers, polls, and answers what it gets under its lease', async () => {
    await client.start()
    expect(client.state).toBe('connected')
    const poll = await polls.next()
    expect(poll.max).toBe(32)
    poll.answer([call('c1', 21), call('c2', 4)])
    const results = [await next('result'), await next('result')]
    expect(results).toMatchObject([
      { requestId: 'c1', leaseId: 'lease of c1', ok: true, result: 42 },
      { requestId: 'c2', leaseId: 'lease of c2', ok: true, result: 8 },
    ])
    expect(types()).toEqual(['hello', 'register', 'ack', 'ack', 'result', 'result'])
    expect([...keys]).toEqual(['Bearer atp_toolkit_key'])
    expect(instances.size).toBe(1)
  })

  it('sends frames again whose answer was lost', async () => {
    await client.start()
    const poll = await polls.next()
    cuts = 2
    poll.answer([call('c1', 1)])
    await next('result')
    expect(types().filter((type) => type === 'ack')).toHaveLength(3)
    expect(client.state).toBe('connected')
  })

  it('says hello again to a server that does not know it any more, and goes on', async () => {
    await client.start()
    const poll = await polls.next()
    poll.answer([call('c1', 1)])
    await next('result')
    const second = await polls.next()
    knows = false
    second.answer([])
    await next('hello')
    const third = await polls.next()
    expect(third.instanceId).toBe(poll.instanceId)
    expect(types().slice(-3)).toEqual(['hello', 'running', 'register'])
    third.answer([call('c2', 2)])
    await expect(next('result')).resolves.toMatchObject({ requestId: 'c2', result: 4 })
  })

  it('sends the results again that a server which was restarted did not get', async () => {
    await client.start()
    const poll = await polls.next()
    const end = Promise.withResolvers<string>()
    client.registerTool({ name: 'wait', description: 'Waits' }, () => end.promise)
    await client.whenRegistered()
    poll.answer([{ ...call('c1', 0), tool: 'wait' } as Frame])
    await next('ack')
    const second = await polls.next()
    const reconnecting = new Promise<void>((resolve) => client.on('reconnecting', () => resolve()))
    knows = false
    second.answer([])
    await reconnecting
    end.resolve('done')
    await expect(next('running')).resolves.toMatchObject({ requestIds: ['c1'] })
    await expect(next('result')).resolves.toMatchObject({ requestId: 'c1', leaseId: 'lease of c1', result: 'done' })
    await polls.next()
    expect(types().filter((type) => type === 'result')).toHaveLength(1)
  })

  it('has stopped only once the results of its last calls arrived', async () => {
    const end = Promise.withResolvers<string>()
    client.registerTool({ name: 'wait', description: 'Waits' }, () => end.promise)
    await client.start()
    ;(await polls.next()).answer([{ ...call('c1', 0), tool: 'wait' } as Frame])
    await next('ack')
    const stopping = client.stop().then(() => types().at(-1))
    await next('drain')
    cuts = 3
    end.resolve('done')
    await expect(stopping).resolves.toBe('result')
    expect([cuts, types().filter((type) => type === 'result').length]).toEqual([0, 4])
  })

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
  ] as const)('ends for good on %d, at the start and later', async (status, code) => {
    refusal = { status, body: { error: 'revoked', code } }
    await expect(client.start()).rejects.toMatchObject({ code })
    refusal = undefined
    await client.start()
    const refused = new Promise((resolve) => client.on('disconnected', ({ error }) => resolve(error?.code)))
    const poll = await polls.next()
    refusal = { status, body: { error: 'revoked', code } }
    poll.answer([])
    await expect(refused).resolves.toBe(code)
    expect(client.state).toBe('refused')
  })

  it('waits for a server that is not there yet', async () => {
    refusal = { status: 503, body: { error: 'starting' } }
    const starting = client.start()
    await new Promise<void>((resolve) => client.on('reconnecting', () => resolve()))
    refusal = undefined
    await starting
    await polls.next()
  })

  it('sends the results of its last calls before it stops', async () => {
    const end = Promise.withResolvers<string>()
    client.registerTool({ name: 'wait', description: 'Waits' }, () => end.promise)
    await client.start()
    const poll = await polls.next()
    poll.answer([{ ...call('c1', 0), tool: 'wait' } as Frame])
    await next('ack')
    const stopping = client.stop()
    await next('drain')
    end.resolve('done')
    await stopping
    await expect(next('result')).resolves.toMatchObject({ requestId: 'c1', result: 'done' })
  })

  it('lets a cancel through while no slot is free', async () => {
    client = make({ maxConcurrency: 1 })
    const aborted = Promise.withResolvers<void>()
    client.registerTool({ name: 'hang', description: 'Hangs' }, (_args, { signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.resolve()
          reject(signal.reason)
        })
      })
    })
    await client.start()
    ;(await polls.next()).answer([{ ...call('c1', 0), tool: 'hang' } as Frame])
    const full = await polls.next()
    expect(full.max).toBe(0)
    await next('ack')
    full.answer([{ type: 'cancel', requestId: 'c1', reason: 'enough' }])
    await expect(next('result')).resolves.toMatchObject({ requestId: 'c1', error: { code: 'cancelled' } })
    await aborted.promise
    // One more may have been under way while the slot was taken.
    let { max } = await polls.next()
    if (max === 0) max = (await polls.next()).max
    expect(max).toBe(1)
  })
})
