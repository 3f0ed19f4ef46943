import { type CallTemplate, parseText, UtcpClient } from '@atp/utcp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { http, sse, streamableHttp } from '../src/index.ts'
import { type PublicWeb, startPublicWeb } from './support/public-web.ts'
import { json } from './support/site.ts'

// The call templates of the README of UTCP 1.0.1, comments and all; only the host is one of the test's own.

const httpTemplate = `{
  "name": "my_rest_api",
  "call_template_type": "http", // Required
  "url": "https://public.example/users/{user_id}", // Required
  "http_method": "POST", // Required, default: "GET"
  "content_type": "application/json", // Optional, default: "application/json"
  "auth": { // Optional, example using ApiKeyAuth for a Bearer token. The client must prepend "Bearer " to the token.
    "auth_type": "api_key",
    "api_key": "Bearer $API_KEY", // Required
    "var_name": "Authorization", // Optional, default: "X-Api-Key"
    "location": "header" // Optional, default: "header"
  },
  "headers": { // Optional
    "X-Custom-Header": "value"
  },
  "body_field": "body", // Optional, default: "body"
  "header_fields": ["user_id"] // Optional
}`

const sseTemplate = `{
  "name": "my_sse_stream",
  "call_template_type": "sse", // Required
  "url": "https://public.example/events", // Required
  "event_type": "message", // Optional
  "reconnect": true, // Optional, default: true
  "retry_timeout": 30000, // Optional, default: 30000 (ms)
  "auth": { // Optional, example using BasicAuth
    "auth_type": "basic",
    "username": "\${USERNAME}", // Required
    "password": "\${PASSWORD}" // Required
  },
  "headers": { // Optional
    "X-Client-ID": "12345"
  },
  "body_field": null, // Optional
  "header_fields": [] // Optional
}`

const streamableTemplate = `{
  "name": "streaming_data_source",
  "call_template_type": "streamable_http", // Required
  "url": "https://public.example/stream", // Required
  "http_method": "POST", // Optional, default: "GET"
  "content_type": "application/octet-stream", // Optional, default: "application/octet-stream"
  "chunk_size": 4096, // Optional, default: 4096
  "timeout": 60000, // Optional, default: 60000 (ms)
  "auth": null, // Optional
  "headers": {}, // Optional
  "body_field": "data", // Optional
  "header_fields": [] // Optional
}`

let web: PublicWeb
let client: UtcpClient

const read = (text: string): CallTemplate => parseText(text, 'json') as CallTemplate
const templates = [httpTemplate, sseTemplate, streamableTemplate].map(read)

beforeEach(async () => {
  web = await startPublicWeb(({ path, body }, response) => {
    if (path === '/utcp') {
      const tools = templates.map((template) => ({ name: template.name, tool_call_template: template }))
      return json(response, { utcp_version: '1.0.1', manual_version: '1.0.0', tools })
    }
    if (path === '/events') {
      const events = 'data: {"n":1}\r\n\r\nevent: other\ndata: 2\n\nevent: message\ndata: last\n\n'
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events)
    }
    if (path === '/stream') return response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(body)
    return json(response, { path, body })
  })
  client = await UtcpClient.create(
    {
      variables: { m_API_KEY: 'k', m_USERNAME: 'user', m_PASSWORD: 'pass' },
      manual_call_templates: [
        {
          ...{ name: 'm', call_template_type: 'http', url: 'https://public.example/utcp' },
          allowed_communication_protocols: ['http', 'sse', 'streamable_http'],
        },
      ],
    },
    { protocols: [http, sse, streamableHttp].map((make) => make({ egress: web.egress })) },
  )
})

afterEach(async () => {
  await client.close()
  await web[Symbol.asyncDispose]()
})

describe('the call templates of the README', () => {
  it('http runs, with one argument in path and header, and a key as it is written', async () => {
    const result = await client.callTool('m.my_rest_api', { user_id: 'u 1', body: { name: 'Ann' }, page: 2 })
    expect(result).toEqual({ path: '/users/u%201', body: '{"name":"Ann"}' })
    const [, request] = web.seen
    expect(request).toMatchObject({ method: 'POST', url: '/users/u%201?page=2' })
    expect(request?.headers).toMatchObject({
      ...{ user_id: 'u 1', authorization: 'Bearer k', 'x-custom-header': 'value' },
      'content-type': 'application/json',
    })
  })

  it('sse runs, as a list and as a stream', async () => {
    expect(await client.callTool('m.my_sse_stream', {})).toEqual([{ n: 1 }, 'last'])
    const pieces: unknown[] = []
    for await (const piece of client.callToolStreaming('m.my_sse_stream', {})) pieces.push(piece)
    expect(pieces).toEqual([{ n: 1 }, 'last'])
    const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`
    expect(web.seen[1]?.headers).toMatchObject({ authorization: basic, 'x-client-id': '12345' })
  })

  it('streamable_http runs, as bytes and in pieces', async () => {
    const data = 'x'.repeat(10_000)
    expect(await client.callTool('m.streaming_data_source', { data })).toEqual(new TextEncoder().encode(data))
    const sizes: number[] = []
    for await (const piece of client.callToolStreaming('m.streaming_data_source', { data })) {
      sizes.push((piece as Uint8Array).length)
    }
    expect(sizes).toEqual([4_096, 4_096, 1_808])
  })

  it('registers all three, and leaves none out', async () => {
    expect((await client.searchTools('', 0)).map(({ name }) => name).sort()).toEqual([
      ...['m.my_rest_api', 'm.my_sse_stream', 'm.streaming_data_source'],
    ])
  })
})
