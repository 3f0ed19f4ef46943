import '@utcp/http'
import { createRequire } from 'node:module'
import { UtcpManualSerializer } from '@utcp/sdk'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { createManual, readManual } from '../../src/index.ts'
import { type UtcpToolOptions, utcpTool } from '../../src/serve/utcp-tool.ts'

const options: UtcpToolOptions = {
  name: 'get_weather',
  description: 'Get current weather for a location',
  tags: ['weather'],
  inputs: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
  outputs: z.object({ temperature: z.number(), conditions: z.string() }),
  path: '/api/weather',
}
const baseUrl = 'https://example.com'
const templateOf = (more: Partial<UtcpToolOptions>) => {
  const { path: _, ...rest } = options
  const handler = utcpTool({ ...(more.url === undefined ? options : rest), ...more }, () => 1)
  const [tool] = createManual([handler], { baseUrl }).tools
  return { tool, template: tool?.tool_call_template }
}

describe('utcpTool', () => {
  it('gives back the very handler, which createManual then lists', () => {
    const handler = (request: { query: { location: string } }, _response: object) => request.query.location
    const described = utcpTool(options, handler)
    expect(described).toBe(handler)
    expect([described.length, described.name, Object.keys(described)]).toEqual([2, 'handler', []])
    expect(described({ query: { location: 'Rome' } }, {})).toBe('Rome')
    const manual = createManual([described], { baseUrl, manualVersion: '2.0.0' })
    expect(manual.manual_version).toBe('2.0.0')
    expect(manual.tools).toEqual([
      {
        name: 'get_weather',
        description: 'Get current weather for a location',
        tags: ['weather'],
        inputs: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
        outputs: {
          type: 'object',
          properties: { temperature: { type: 'number' }, conditions: { type: 'string' } },
          required: ['temperature', 'conditions'],
          additionalProperties: false,
        },
        tool_call_template: {
          call_template_type: 'http',
          url: 'https://example.com/api/weather',
          http_method: 'GET',
        },
      },
    ])
    expect(readManual(JSON.parse(JSON.stringify(manual))).warnings).toEqual([])
  })

  it('writes the arguments of a path as UTCP does, and asks for them', () => {
    const { tool, template } = templateOf({ path: '/users/:user_id/posts/{post}', method: 'DELETE' })
    expect(template).toMatchObject({ url: 'https://example.com/users/{user_id}/posts/{post}', http_method: 'DELETE' })
    expect(tool?.inputs).toEqual({
      type: 'object',
      properties: { location: { type: 'string' }, user_id: { type: 'string' }, post: { type: 'string' } },
      required: ['location', 'user_id', 'post'],
    })
  })

  it('keeps what inputs say of an argument in the path', () => {
    const inputs = z.object({ id: z.int().describe('The order') })
    const { tool } = templateOf({ path: '/orders/:id', inputs })
    expect(tool?.inputs).toMatchObject({ properties: { id: { type: 'integer', description: 'The order' } } })
  })

  it('writes all of a template', () => {
    const auth = { auth_type: 'api_key', api_key: 'Bearer $TOKEN', var_name: 'Authorization', location: 'header' }
    const { tool, template } = templateOf({
      url: 'https://api.example.com/$1/{id}',
      method: 'POST',
      auth,
      headers: { 'X-A': '1' },
      bodyField: 'order',
      headerFields: ['location'],
      contentType: 'application/x-www-form-urlencoded',
      averageResponseSize: 200,
    })
    expect(tool?.average_response_size).toBe(200)
    expect(template).toEqual({
      call_template_type: 'http',
      url: 'https://api.example.com/$1/{id}',
      http_method: 'POST',
      content_type: 'application/x-www-form-urlencoded',
      headers: { 'X-A': '1' },
      body_field: 'order',
      header_fields: ['location'],
      auth,
    })
  })

  it.each([
    '/files/*',
    '/users/:id?',
    '/users/:id(\\d+)',
    '/users/:id{[0-9]+}',
    '/a?b=c',
    '/a#b',
    '/{a',
    '/a}',
    '/a b',
  ])('refuses the path %s, which no template can say', (path) => {
    expect(() => utcpTool({ ...options, path }, () => 1)).toThrow(/path: .* \(tool "get_weather"\)/)
  })

  it('is loaded by the published client, which refuses what it does not know', () => {
    const auth = { auth_type: 'api_key', api_key: 'x' }
    const inputs = z.object({
      id: z.int(),
      tags: z.array(z.string()).nullable(),
      body: z.record(z.string(), z.unknown()),
    })
    const described = [
      utcpTool(options, () => 1),
      utcpTool({ name: 'least', path: '/' }, () => 1),
      utcpTool({ name: 'most', path: '/a/:id', method: 'POST', inputs, auth, headerFields: ['tags'] }, () => 1),
    ]
    const manual: unknown = JSON.parse(JSON.stringify(createManual(described, { baseUrl })))
    const loaded = new UtcpManualSerializer().validateDict(manual as Record<string, unknown>)
    expect(loaded.tools.map(({ name }) => name)).toEqual(['get_weather', 'least', 'most'])
  })

  it('refuses a mistake at once, naming the tool', () => {
    const handler = utcpTool(options, () => 1)
    expect(() => utcpTool(options, handler)).toThrow(/described already.*get_weather/)
    const { path: _, ...nowhere } = options
    expect(() => utcpTool(nowhere, () => 1)).toThrow('give a path or a url')
    expect(() => utcpTool({ ...options, url: 'https://a.example' }, () => 1)).toThrow('give a path or a url')
    expect(() => utcpTool({ ...options, inputs: { type: 'nothing' } }, () => 1)).toThrow(/get_weather.*inputs/)
    expect(() => createManual([handler])).toThrow(/baseUrl: is missing.*get_weather/)
    expect(() => createManual([handler, utcpTool(options, () => 2)], { baseUrl })).toThrow('another tool is called')
  })
})

/** Frameworks are no dependency of this package: those of the adapters are enough to see that handlers stay handlers. */
const from = (name: string) => createRequire(new URL(`../../../${name}/package.json`, import.meta.url))

interface Listening {
  address(): { port: number } | null | string
  close(): unknown
}

async function ask(server: Listening): Promise<unknown> {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  const response = await fetch(`http://127.0.0.1:${address.port}/api/weather?location=Rome`)
  return response.json()
}

describe('a described handler works as a handler of', () => {
  it('Express', async () => {
    const express = from('express')('express') as () => {
      get(path: string, handler: (...args: never[]) => unknown): void
      listen(port: number, host: string, done: () => void): Listening
    }
    const app = express()
    app.get(
      '/api/weather',
      utcpTool(options, (request: { query: object }, response: { json(body: unknown): void }) =>
        response.json(request.query),
      ),
    )
    const server = await new Promise<Listening>((resolve) => {
      const listening: Listening = app.listen(0, '127.0.0.1', () => resolve(listening))
    })
    onTestFinished(() => void server.close())
    expect(await ask(server)).toEqual({ location: 'Rome' })
  })

  it('Fastify', async () => {
    const { fastify } = from('fastify')('fastify') as {
      fastify(): {
        get(path: string, handler: (...args: never[]) => unknown): void
        inject(request: object): Promise<{ json(): unknown }>
        close(): Promise<void>
      }
    }
    const app = fastify()
    onTestFinished(() => app.close())
    app.get(
      '/api/weather',
      utcpTool(options, async (request: { query: object }) => request.query),
    )
    const answer = await app.inject({ method: 'GET', url: '/api/weather?location=Rome' })
    expect(answer.json()).toEqual({ location: 'Rome' })
  })

  it('Hono', async () => {
    const { Hono } = from('hono')('hono') as {
      Hono: new () => {
        get(path: string, handler: (...args: never[]) => unknown): void
        request(path: string): Promise<Response>
      }
    }
    const app = new Hono()
    app.get(
      '/api/weather',
      utcpTool(options, (c: { req: { query(): object }; json(body: unknown): Response }) => c.json(c.req.query())),
    )
    expect(await (await app.request('/api/weather?location=Rome')).json()).toEqual({ location: 'Rome' })
  })

  it('Nest', async () => {
    const load = from('nest')
    load('reflect-metadata')
    const { Controller, Get, Module, Query } = load('@nestjs/common') as Record<string, (...args: unknown[]) => never>
    const { NestFactory } = load('@nestjs/core') as {
      NestFactory: {
        create(
          module: unknown,
          options: object,
        ): Promise<{
          listen(port: number, host: string): Promise<void>
          getHttpServer(): Listening
          close(): Promise<void>
        }>
      }
    }
    class Weather {
      read(query: object): object {
        return query
      }
    }
    // As decorators do.
    const apply = (decorators: unknown[], ...target: unknown[]) => {
      for (const decorate of decorators) (decorate as (...args: unknown[]) => void)(...target)
    }
    const method = Object.getOwnPropertyDescriptor(Weather.prototype, 'read')
    apply([Controller?.('api')], Weather)
    apply([Get?.('weather')], Weather.prototype, 'read', method)
    apply([Query?.()], Weather.prototype, 'read', 0)
    class App {}
    apply([Module?.({ controllers: [Weather] })], App)
    const described = utcpTool(options, Weather.prototype.read)
    const app = await NestFactory.create(App, { logger: false })
    onTestFinished(() => app.close())
    await app.listen(0, '127.0.0.1')
    expect(await ask(app.getHttpServer())).toEqual({ location: 'Rome' })
    expect(createManual([described], { baseUrl }).tools).toHaveLength(1)
  })
})
