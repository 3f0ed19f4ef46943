import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultBaseUrl, readBaseUrl } from '../../src/clients/base-url.ts'

describe('readBaseUrl', () => {
  it.each([
    ['http://127.0.0.1:4870', 'http://127.0.0.1:4870', 'ws://127.0.0.1:4870'],
    ['ws://127.0.0.1:4870', 'http://127.0.0.1:4870', 'ws://127.0.0.1:4870'],
    ['https://atp.example.com', 'https://atp.example.com', 'wss://atp.example.com'],
    ['wss://atp.example.com/', 'https://atp.example.com', 'wss://atp.example.com'],
    ['HTTPS://ATP.Example.com:443', 'https://atp.example.com', 'wss://atp.example.com'],
    ['http://[::1]:4870/', 'http://[::1]:4870', 'ws://[::1]:4870'],
    ['  http://atp.example.com  ', 'http://atp.example.com', 'ws://atp.example.com'],
  ])('reads %s', (baseUrl, http, ws) => {
    expect(readBaseUrl(baseUrl)).toEqual({ http, ws })
  })

  it('has a default that never leaves the machine', () => {
    expect(readBaseUrl(defaultBaseUrl).ws).toBe('ws://127.0.0.1:4870')
  })

  const endpoints = [
    '/ws/v1/atp/toolkit-client/atp_key/',
    '/ws/v1/atp/toolkit-client/atp_key',
    '/ws/v1/atp/atp_key/',
    '/ws/v1/atp/llm-client/atp_key/',
    '/ws/v1/atp/llm-client',
    '/ws/v2/toolkit',
    '/ws/v2/llm/',
    '/api/v1/register_tool',
    '/api/v1/toolkit/verify_hash',
    '/api/v1/toolkit/verify_tool_hash',
    '/api/v1/toolkit/atp_key/inbox',
    '/api/v1/toolkit/atp_key/inbox/respond',
    '/api/v1/atp/toolkit-client/atp_key/messages/',
    '/api/v1/execute_function',
    '/api/v1/atp/llm-client/',
    '/api/v1/atp/llm-client/process/',
    '/api/v1/',
    '/api/v1',
  ]

  it.each(endpoints)('cuts the whole endpoint %s back to its server', (path) => {
    expect(readBaseUrl(`https://atp.example.com${path}`).http).toBe('https://atp.example.com')
  })

  it.each(endpoints)('keeps the path that a proxy puts in front of %s', (path) => {
    for (const prefix of ['/tools', '/a/b', '/api/v3/gateway', '/ws']) {
      const { ws } = readBaseUrl(`wss://atp.example.com${prefix}${path}`)
      expect(ws).toBe(`wss://atp.example.com${prefix}`)
    }
  })

  it.each(['/tools', '/tools/', '/api/v3/gateway', '/ws/rooms', '/api', '/ws', '/apis/v1/atp'])(
    'keeps the path %s, which is no endpoint of ours',
    (path) => {
      expect(readBaseUrl(`http://localhost${path}`).http).toBe(`http://localhost${path.replace(/\/$/, '')}`)
    },
  )

  it('leaves out what belongs to one request', () => {
    expect(readBaseUrl('http://localhost/tools?key=1#top').http).toBe('http://localhost/tools')
  })

  it.each(['http://user@localhost', 'http://user:secret@localhost', 'ftp://user:secret@localhost'])(
    'refuses the user info of %s without repeating it',
    (baseUrl) => {
      const read = (): unknown => readBaseUrl(baseUrl)
      expect(read).toThrow(expect.objectContaining({ code: 'invalid_config' }))
      expect(read).not.toThrow(/secret/)
    },
  )

  it.each(['', 'localhost', '127.0.0.1:4870', '//localhost', 'ftp://localhost', 'file:///tmp', 'localhost:4870'])(
    'refuses %j and names it',
    (baseUrl) => {
      const read = (): unknown => readBaseUrl(baseUrl)
      expect(read).toThrow(expect.objectContaining({ code: 'invalid_config' }))
      expect(read).toThrow(baseUrl)
    },
  )

  it('gives two addresses that agree, or invalid_config, for any text', async () => {
    const text = fc.oneof(fc.string(), fc.webUrl(), fc.webUrl({ validSchemes: ['ws', 'wss', 'ftp'] }))
    await fc.assert(
      fc.property(text, (baseUrl) => {
        try {
          const { http, ws } = readBaseUrl(baseUrl)
          expect(ws.replace(/^ws/, 'http')).toBe(http)
          expect(http).not.toMatch(/\/$/)
          expect(readBaseUrl(http)).toEqual({ http, ws })
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_config' })
        }
      }),
    )
  })
})
