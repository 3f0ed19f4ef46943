import { type ToolDescriptor, Toolkit } from '@atp/core'
import { describe, expect, it, vi } from 'vitest'
import { type Given, given, serveAnswers, serveToolkit } from './endpoint-support.ts'

const tool: ToolDescriptor = {
  ...{ name: 'tool', description: '', inputSchema: { type: 'object' }, auth: null, annotations: {}, tags: [] },
}

function shop(apiKey: string): Toolkit {
  const toolkit = new Toolkit({ appName: 'shop', apiKey })
  toolkit.registerTool({ name: 'tool', description: '' }, () => 'done')
  return toolkit
}

describe('the keys that sign', () => {
  const signaturesOf = async ({ send }: Given): Promise<number> => {
    const { url, seen } = await serveAnswers((_request, response) => response.end('{"result":1}'))
    await send(url).outcome
    return seen[0]?.headers['webhook-signature']?.toString().split(' ').length ?? 0
  }

  it('are all live keys of the toolkit: an app with an older or a newer one takes the call', async () => {
    const here = await given()
    const second = await here.addKey()
    await here.keys.create({ projectId: here.toolkit.projectId, kind: 'toolkit', name: 'another toolkit' })
    for (const { key } of [here.key, second]) {
      const url = await serveToolkit(shop(key))
      expect(await here.send(url, { tool }).outcome).toMatchObject({ ok: true })
    }
    expect(await signaturesOf(here)).toBe(2)
  })

  it('are without one that is revoked, from the next call on', async () => {
    const here = await given()
    const second = await here.addKey()
    expect(await signaturesOf(here)).toBe(2)
    await here.keys.revoke(here.toolkit.projectId, second.id)
    expect(await signaturesOf(here)).toBe(1)
    const url = await serveToolkit(shop(second.key))
    const { outcome } = here.send(url, { tool })
    expect(await outcome).toMatchObject({
      error: { code: 'delivery_failed', retryable: false, message: expect.stringMatching(/401.*apiKey/) },
    })
  })

  it('are read again after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const here = await given()
      expect(await signaturesOf(here)).toBe(1)
      await here.addKey()
      expect(await signaturesOf(here)).toBe(1)
      vi.advanceTimersByTime(10_000)
      expect(await signaturesOf(here)).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('are without one that has expired, from the next call on', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    try {
      const here = await given()
      await here.addKey(Date.now() + 3_000)
      expect(await signaturesOf(here)).toBe(2)
      vi.advanceTimersByTime(2_999)
      expect(await signaturesOf(here)).toBe(2)
      vi.advanceTimersByTime(1)
      expect(await signaturesOf(here)).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('are missed with words that tell what to do, and nothing is sent', async () => {
    const { send, keys, key, toolkit } = await given()
    await keys.revoke(toolkit.projectId, key.id)
    const { url, seen } = await serveAnswers((_request, response) => response.end('{"result":1}'))
    expect(await send(url).outcome).toMatchObject({
      error: { code: 'delivery_failed', message: expect.stringContaining('atp keys create --kind toolkit') },
    })
    expect(seen).toEqual([])
  })
})
