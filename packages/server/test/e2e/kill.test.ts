import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LLMClient, ToolKitClient } from '@atp/core'
import { expect, it, vi } from 'vitest'
import { readDevKeys } from '../../src/index.ts'
import { startChild } from '../support/child.ts'
import { startTestServer } from '../support/test-server.ts'

const patience = { timeout: 20_000 }

it('tells the caller at once when a toolkit is killed during its call, with an unknown outcome', patience, async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'victim' })
  await using toolkit = startChild('toolkit-process', [server.url, key, 'victim'])
  await toolkit.line('registered')
  const llm = server.llm()
  const call = llm.call({ toolkitId: 'victim', tool: 'hang' }).catch((error: unknown) => error)
  await toolkit.line('hang')
  await toolkit.kill()
  const killedAt = Date.now()
  await expect(call).resolves.toMatchObject({ code: 'toolkit_disconnected', retryable: false })
  expect(Date.now() - killedAt).toBeLessThan(5_000)
  await vi.waitFor(async () => {
    const answer = await fetch(`${server.url}/api/v2/calls`, {
      headers: { authorization: `Bearer ${server.keys.adminKey}` },
    })
    const { calls } = (await answer.json()) as { calls: { status: string }[] }
    expect(calls.map(({ status }) => status)).toEqual(['outcome_unknown'])
  })
})

it('gives an idempotent call of a killed toolkit to another process of the same toolkit', patience, async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'pair' })
  await using first = startChild('toolkit-process', [server.url, key, 'pair'])
  await first.line('registered')
  const llm = server.llm()
  const call = llm.call({ toolkitId: 'pair', tool: 'hang_idempotent' })
  await first.line('hang_idempotent')
  await using second = startChild('toolkit-process', [server.url, key, 'pair', 'answers'])
  await second.line('registered')
  await first.kill()
  await expect(call).resolves.toBe('answers')
})

it('survives a kill of the server: both clients come back, keys and registrations are there', patience, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-test-'))
  await using first = startChild('server-process', [dataDir])
  const url = await first.line(/^http/)
  const keys = await readDevKeys(dataDir)
  if (!keys) throw new Error('no dev keys')
  const toolkit = new ToolKitClient({
    baseUrl: url,
    apiKey: keys.toolkitKey,
    appName: 'phoenix',
    backoff: { maxMs: 200 },
  })
  const llm = new LLMClient({ baseUrl: url, apiKey: keys.llmKey, backoff: { maxMs: 200 } })
  try {
    toolkit.registerTool({ name: 'ping', description: 'Answers' }, () => 'pong')
    toolkit.registerTool({ name: 'hang', description: 'Never answers' }, () => new Promise(() => {}))
    await toolkit.start()
    await expect(llm.call({ toolkitId: 'phoenix', tool: 'ping' })).resolves.toBe('pong')

    const pending = llm.call({ toolkitId: 'phoenix', tool: 'hang' }).catch((error: unknown) => error)
    const back = new Promise((resolve) => toolkit.on('connected', resolve))
    await first.kill()
    await expect(pending).resolves.toMatchObject({ code: 'connection_closed' })

    await using second = startChild('server-process', [dataDir, new URL(url).port])
    await second.line(/^http/)
    expect(await readDevKeys(dataDir)).toEqual(keys)
    await back
    await expect(llm.call({ toolkitId: 'phoenix', tool: 'ping' })).resolves.toBe('pong')
    await expect(llm.getToolkitContext({ toolkitId: 'phoenix' })).resolves.toMatchObject({
      tools: [{ name: 'ping' }, {}],
    })
  } finally {
    await toolkit.stop()
    await llm.close()
    await rm(dataDir, { recursive: true, force: true })
  }
})

it('refuses a data folder that another server uses, and takes it over after a kill', patience, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-test-'))
  try {
    await using first = startChild('server-process', [dataDir])
    await first.line(/^http/)
    await expect(startTestServer({ dataDir })).rejects.toMatchObject({ code: 'data_folder_in_use' })
    await first.kill()
    await using second = await startTestServer({ dataDir })
    expect(second.keys.llmKey).toMatch(/^atp_llm_/)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
