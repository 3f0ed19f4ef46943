import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LLMClient, ToolKitClient } from '@atp/core'
import { expect, it } from 'vitest'
import { readDevKeys } from '../../src/index.ts'
import { startChild } from '../support/child.ts'
import { inboxPeer } from '../support/inbox-peer.ts'
import { wireTool } from '../support/raw-peer.ts'
import type { TestServer } from '../support/test-server.ts'

/* Rules S1 and S2, with every kind of caller and toolkit there is. */

it('ends in order on SIGTERM, tells everybody, loses nothing, and the next server goes on', {
  timeout: 40_000,
}, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-test-'))
  await using first = startChild('server-process', [dataDir])
  const url = await first.line(/^http/)
  const port = new URL(url).port
  const keys = await readDevKeys(dataDir)
  if (!keys) throw new Error('no dev keys')
  const admin = { authorization: `Bearer ${keys.adminKey}`, 'content-type': 'application/json' }
  const keyOf = async (name: string): Promise<string> => {
    const body = JSON.stringify({ kind: 'toolkit', name })
    return (
      (await (await fetch(`${url}/api/v2/keys`, { method: 'POST', headers: admin, body })).json()) as { key: string }
    ).key
  }
  const [inboxKey, socketKey] = [await keyOf('mail'), await keyOf('live')]
  const backoff = { minMs: 10, maxMs: 200 }
  const toolkit = new ToolKitClient({ baseUrl: url, apiKey: socketKey, appName: 'live', backoff })
  let runs = 0
  let finish = (): void => {}
  const started = new Promise<void>((resolve) => {
    toolkit.registerTool({ name: 'hold', description: '', params: { type: 'object' } }, () => {
      runs += 1
      resolve()
      return new Promise((done) => {
        finish = () => done('held')
      })
    })
  })
  const llm = new LLMClient({ baseUrl: url, apiKey: keys.llmKey, backoff })
  const http = new LLMClient({ baseUrl: url, apiKey: keys.llmKey, backoff, protocol: 'http' })
  try {
    await toolkit.start()
    const mail = await inboxPeer({ url } as TestServer, 'mail', [wireTool('work'), wireTool('other')], inboxKey)
    const detach = async (toolkitId: string, tool: string) => (await llm.call({ toolkitId, tool, detach: true })).callId
    const held = await detach('live', 'hold')
    await started
    const acked = await detach('mail', 'work')
    const [taken] = await mail.poll()
    await mail.ack(taken)
    const queued = await detach('mail', 'work')
    const waiting = llm.call({ toolkitId: 'mail', tool: 'other' }).catch((error: unknown) => error)
    const streaming = http.call({ toolkitId: 'mail', tool: 'other' }).catch((error: unknown) => error)
    const asking = http.waitForCall(held)
    const depth = async () =>
      /atp_inbox_depth\{toolkit="mail"\} (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1]
    await expect.poll(depth).toBe('3')

    // A poll that is held, for nothing.
    const polling = mail.poll({ max: 0 })
    const exited = first.kill('SIGTERM')
    await expect(polling).resolves.toMatchObject([{ type: 'drain' }])
    expect(await waiting).toMatchObject({ code: 'server_shutting_down' })
    expect(await streaming).toMatchObject({ code: 'server_shutting_down' })
    expect(await exited).toBe(0)

    await using second = startChild('server-process', [dataDir, port])
    await second.line(/^http/)
    const again = await inboxPeer({ url } as TestServer, 'mail', [wireTool('work'), wireTool('other')], inboxKey)
    const [next, ...others] = await again.poll()
    expect(next).toMatchObject({ request_id: queued })
    expect(others).toEqual([])
    await again.ack(next)
    await again.result(next, 'second server')
    // The lease that the first server gave is good for the second one.
    await again.result(taken, 'first server')
    finish()
    await expect(llm.waitForCall(queued)).resolves.toBe('second server')
    await expect(llm.waitForCall(acked)).resolves.toBe('first server')
    await expect(asking).resolves.toBe('held')
    expect(runs).toBe(1)
  } finally {
    await Promise.all([toolkit.stop(), llm.close(), http.close()])
    await rm(dataDir, { recursive: true, force: true })
  }
})
