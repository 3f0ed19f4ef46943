import { describe, expect, it } from 'vitest'
import { ToolKitClient, type ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import { decodeFromToolkit, encodeFrame } from '../../src/protocol/codec.ts'
import type { RegisterFrame } from '../../src/protocol/frames.ts'
import { toolkitServer } from './scripted-server.ts'
import { acceptTools, makeClient } from './toolkit-support.ts'

async function registered(options: Partial<ToolKitClientOptions>): Promise<RegisterFrame> {
  const server = toolkitServer()
  const client = makeClient(server, options)
  const starting = client.start()
  const frame = await acceptTools(await server.welcome())
  await starting
  await client.stop()
  return frame as RegisterFrame
}

describe('the option endpointUrl', () => {
  it.each(['https://example.com/api?code=1', 'http://127.0.0.1:3000', null])(
    'is told with the tools: %s',
    async (url) => {
      expect((await registered({ endpointUrl: url })).endpointUrl).toBe(url)
    },
  )

  it('leaves what was told before as it is where it is not given', async () => {
    expect(await registered({})).not.toHaveProperty('endpointUrl', expect.anything())
  })

  it.each(['', 'example.com', '/api', 'ftp://example.com', 'https://', 5, {}])('refuses %j', (endpointUrl) => {
    const options = { appName: 'demo', apiKey: 'atp_toolkit_x', endpointUrl: endpointUrl as string }
    expect(() => new ToolKitClient(options)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })
})

describe('a register frame', () => {
  it.each([{ endpointUrl: 'https://example.com' }, { endpointUrl: null }, {}])('carries %j both ways', (endpoint) => {
    const frame = { type: 'register', requestId: 'r1', toolkitHash: 'hash', ...endpoint } as const
    const text = encodeFrame(frame)
    const decoded = decodeFromToolkit(text)
    expect(decoded).toMatchObject({ ok: true, frame })
    expect(Object.hasOwn(JSON.parse(text), 'endpoint_url')).toBe('endpointUrl' in endpoint)
  })

  it('has a URL of 2,048 characters at most', () => {
    const url = `https://example.com/${'x'.repeat(2_048)}`
    const text = encodeFrame({ type: 'register', requestId: 'r1', toolkitHash: 'hash', endpointUrl: url })
    expect(decodeFromToolkit(text)).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
  })
})
