import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LLMClient, ToolKitClient } from '@atp/core'
import { createServer } from '@atp/server'
import { bundleEntry } from '@atp/testing'
import { expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { startWorkerd } from './support/start-workerd.ts'

it('a Hono app in workerd is called by a server at its URL, with nothing configured but its key', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-hono-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const server = await createServer({ port: 0, dev: true, logLevel: 'silent', dataDir })
  onTestFinished(() => server.close(0))
  const { url: baseUrl } = await server.listen()
  const { key: apiKey } = await server.createKey({ kind: 'toolkit', name: 'shop' })

  const script = await bundleEntry(new URL('./hosts/endpoint.ts', import.meta.url))
  const worker = await startWorkerd(script, { ATP_TOOLKIT_KEY: apiKey })
  onTestFinished(() => worker.dispose())

  // What a deployment does: tells the server of the tools and of the URL, and is gone.
  const deployment = new ToolKitClient({ appName: 'shop', apiKey, baseUrl, endpointUrl: worker.url })
  const params = z.object({ a: z.number(), b: z.number() })
  deployment.registerTool({ name: 'total', description: 'Adds', params }, () => 'the deployment itself')
  deployment.registerTool({ name: 'count', description: 'Counts' }, () => 'the deployment itself')
  await deployment.start()
  await deployment.stop()

  const llm = new LLMClient({ baseUrl, apiKey: server.devKeys?.llmKey ?? '' })
  onTestFinished(() => llm.close())
  const totals = [1, 2, 3].map((a) => llm.call({ toolkitId: 'shop', tool: 'total', params: { a, b: 2 } }))
  expect(await Promise.all(totals)).toEqual([3, 4, 5])
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
})
