import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAdminClient } from '../src/admin-client.ts'

/** Something at a free port that is no ATP server. */
async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('createAdminClient', () => {
  it('sends the key as a bearer, and encodes what goes into the path', async () => {
    const seen: unknown[] = []
    const baseUrl = await listen((request, response) => {
      seen.push([request.method, request.url, request.headers.authorization])
      response.end('{"tools": []}')
    })
    await createAdminClient({ baseUrl, apiKey: 'k' }).tools('a/../b?c')
    expect(seen).toEqual([['GET', '/api/v2/toolkits/a%2F..%2Fb%3Fc/tools', 'Bearer k']])
  })

  it('takes a base URL as the clients do: ws, a slash at the end, a whole endpoint, a path in front', async () => {
    const paths: unknown[] = []
    const baseUrl = await listen((request, response) => {
      paths.push(request.url)
      response.end('{"toolkits": []}')
    })
    const ws = baseUrl.replace('http', 'ws')
    for (const given of [`${baseUrl}/`, `${ws}/ws/v2/llm`, `${baseUrl}/behind/api/v1/atp/llm-client/process/`]) {
      await createAdminClient({ baseUrl: given, apiKey: 'k' }).toolkits()
    }
    expect(paths).toEqual(['/api/v2/toolkits', '/api/v2/toolkits', '/behind/api/v2/toolkits'])
  })

  it.each(['nonsense', 'ftp://host', 'http://user:secret@host'])('refuses the base URL %s', (baseUrl) => {
    expect(() => createAdminClient({ baseUrl, apiKey: 'k' })).toThrow(
      expect.objectContaining({ code: 'invalid_config' }) as Error,
    )
  })

  it('gives on what the server refused with', async () => {
    const baseUrl = await listen((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ detail: 'There is no toolkit "x"', code: 'toolkit_not_found', status: 404 }))
    })
    await expect(createAdminClient({ baseUrl, apiKey: 'k' }).tools('x')).rejects.toMatchObject({
      code: 'toolkit_not_found',
      message: 'There is no toolkit "x"',
    })
  })

  it.each([
    [200, '<html>'],
    [200, '{"keys": [{"id": 1}]}'],
    [404, '<html>'],
    [500, '{"detail": "x", "code": "made_up"}'],
  ])('says that a server is none of ours when it answers %i %s', async (status, body) => {
    const baseUrl = await listen((_request, response) => response.writeHead(status).end(body))
    await expect(createAdminClient({ baseUrl, apiKey: 'k' }).keys.list()).rejects.toMatchObject({
      code: 'protocol_error',
      message: expect.stringContaining(baseUrl),
    })
  })

  it('follows no redirect: the key is for the named server only', async () => {
    const seen: unknown[] = []
    const elsewhere = await listen((request, response) => {
      seen.push(request.url)
      response.end('{"keys": []}')
    })
    const baseUrl = await listen((_request, response) => response.writeHead(307, { location: elsewhere }).end())
    await expect(createAdminClient({ baseUrl, apiKey: 'k' }).keys.list()).rejects.toMatchObject({
      code: 'protocol_error',
    })
    expect(seen).toEqual([])
  })

  it('says how to start a server when none answers', async () => {
    await expect(createAdminClient({ baseUrl: 'http://127.0.0.1:9', apiKey: 'k' }).toolkits()).rejects.toMatchObject({
      code: 'connection_failed',
      message: expect.stringMatching(/http:\/\/127\.0\.0\.1:9: .+npm start.+atp server --dev/),
    })
  })

  it('says the same when the server hangs up', async () => {
    const baseUrl = await listen((request) => void request.socket.destroy())
    await expect(createAdminClient({ baseUrl, apiKey: 'k' }).toolkits()).rejects.toMatchObject({
      code: 'connection_failed',
    })
  })
})
