import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatDemo, startChatDemo } from './chat-demo.ts'
import { endpointProviders, startProviderEndpoint } from './provider-endpoint/index.ts'
import { startChat } from './run-chat.ts'

/** Loading a provider's package takes a busy machine a while. */
const patience = { timeout: 15_000 }

let demo: ChatDemo
beforeAll(async () => {
  demo = await startChatDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

describe.each(endpointProviders)('Ctrl-C in atp chat with %s', (provider) => {
  it('in the middle of a stream ends the request, keeps what was said, and exits with 130', async () => {
    await using endpoint = await startProviderEndpoint(provider, [{ text: 'Once upon a time', stalls: true }])
    const running = startChat(provider, demo, endpoint, ['Tell'])
    await expect.poll(() => running.stdout(), patience).toBe('Once upon a time')
    expect(endpoint.open()).toBe(1)
    running.interrupt()
    const { code, stdout, stderr } = await running.finished
    expect({ code, stdout }).toEqual({ code: 130, stdout: 'Once upon a time\n' })
    expect(stderr).toBe('error: Interrupted; what ran was cancelled (cancelled)\n')
    await expect.poll(() => endpoint.open(), patience).toBe(0)
    expect(endpoint.requests).toHaveLength(1)
  })

  it('while a tool runs cancels the call where it runs, and asks the model no more', async () => {
    await using endpoint = await startProviderEndpoint(provider, [{ calls: [{ name: 'wait', args: {} }] }])
    const begun = demo.nextWait()
    const running = startChat(provider, demo, endpoint, ['--json', 'Wait'], { toolkits: ['demo'] })
    const { cancelled } = await begun
    running.interrupt()
    expect(await cancelled).toContain('cancelled by its caller')
    const { code, events } = await running.finished
    expect(code).toBe(130)
    expect(events.at(-2)).toMatchObject({ type: 'tool_result', ok: false, code: 'cancelled' })
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'interrupted', turns: 1 })
    expect(endpoint.requests).toHaveLength(1)
    // No call is left in flight: the one there was has its outcome.
    await expect.poll(() => demo.statuses(), patience).toContain('wait cancelled')
  })
})

describe('Ctrl-C before the model is asked', () => {
  it('exits with 130, and the last event says so', async () => {
    await using endpoint = await startProviderEndpoint('openai', [])
    const connected = Promise.withResolvers<Socket>()
    const silent = createServer((socket) => connected.resolve(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const env = { ATP_BASE_URL: `http://127.0.0.1:${port}` }
    const running = startChat('openai', demo, endpoint, ['--json', 'Hello'], { env })
    const socket = await connected.promise
    running.interrupt()
    const { code, events } = await running.finished
    expect(code).toBe(130)
    expect(events).toEqual([{ type: 'end', reason: 'interrupted', text: '', turns: 0 }])
    socket.destroy()
    silent.close()
  })
})
