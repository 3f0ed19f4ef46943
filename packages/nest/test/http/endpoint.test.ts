import { ToolKitClient, type Toolkit } from '@atp/core'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { AtpModule } from '../../src/index.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'
import { type RunningServer, startServer } from '../support/server.ts'

interface Shop {
  toolkit: ToolKitClient
  /** What happened to the tool that waits. */
  waiting: { started: boolean; aborted: boolean }
}

function createShop(apiKey: string): Shop {
  const waiting = { started: false, aborted: false }
  const toolkit = new ToolKitClient({ appName: 'shop', apiKey })
  toolkit.registerTool(
    { name: 'total', description: 'Adds', params: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => a + b,
  )
  toolkit.registerTool({ name: 'count', description: 'Counts' }, async function* (_args, { progress }) {
    progress('half')
    yield 1
    yield 2
    return 'counted'
  })
  toolkit.registerTool({ name: 'wait', description: 'Waits to be told to stop' }, (_args, { signal }) => {
    waiting.started = true
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        waiting.aborted = true
        reject(signal.reason)
      })
    })
  })
  return { toolkit, waiting }
}

/** What a deployment does: tells the server of the tools and of the URL, and is gone. */
async function announce(server: RunningServer, app: Toolkit, apiKey: string, endpointUrl: string): Promise<void> {
  const client = new ToolKitClient({ appName: app.appName, apiKey, baseUrl: server.url, endpointUrl })
  for (const { name, description, inputSchema } of app.registeredTools.values()) {
    client.registerTool({ name, description, params: inputSchema }, () => 'the deployment itself')
  }
  await client.start()
  await client.stop()
}

describe.each(platforms)('an app on %s that a server calls at its URL', (_platform, adapter) => {
  it('runs tools, streams and is told to stop, with nothing configured but its key', async () => {
    await using server = await startServer()
    const apiKey = await server.toolkitKey('shop')
    const { toolkit, waiting } = createShop(apiKey)
    await using running = await startApp(appModule({ imports: [AtpModule.forRoot({ clients: toolkit })] }), adapter())
    await announce(server, toolkit, apiKey, running.url)

    const { llm } = server
    expect(await llm.call({ toolkitId: 'shop', tool: 'total', params: { a: 1, b: 2 } })).toBe(3)
    await expect(llm.call({ toolkitId: 'shop', tool: 'total', params: { a: 1, b: 'x' } })).rejects.toMatchObject({
      code: 'invalid_params',
      details: { issues: [{ path: 'b' }] },
    })

    const parts: unknown[] = []
    for await (const part of llm.callStreaming({ toolkitId: 'shop', tool: 'count' })) parts.push(part)
    expect(parts).toMatchObject([
      { type: 'progress', progress: 'half' },
      { type: 'chunk', sequence: 0, data: 1 },
      { type: 'chunk', sequence: 1, data: 2 },
      { type: 'result', result: 'counted' },
    ])

    const abort = new AbortController()
    const cancelled = llm.call({ toolkitId: 'shop', tool: 'wait', signal: abort.signal })
    await vi.waitFor(() => expect(waiting.started).toBe(true))
    abort.abort()
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' })
    await vi.waitFor(() => expect(waiting.aborted).toBe(true), { timeout: 1_000 })
  })
})
