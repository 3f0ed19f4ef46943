import { expect } from 'vitest'
import { expectError } from '../expectations.ts'
import { get, send } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

const readOnlyPaths = ['/public/atp', '/public/atp/', '/public/atp/shop', '/public/atp/shop/']
const documents = ['/public/utcp', '/public/atp/openapi.json']
const toolPaths = ['/public/atp/shop/quote', '/public/atp/shop/quote/', '/atp/home/quote/']
const readAllow = 'GET, HEAD, OPTIONS'
const toolAllow = 'GET, HEAD, OPTIONS, POST'

/** HEAD, OPTIONS and what is not allowed. */
export const methodBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'head.as-get',
    says: 'answers HEAD like GET, without the body',
    rules: ['head'],
    async run(host) {
      for (const path of [...readOnlyPaths, ...documents, ...toolPaths]) {
        const [asked, told] = [await send(host, path, { method: 'HEAD' }), await get(host, path)]
        expect([path, asked.status, asked.text]).toEqual([path, 200, ''])
        expect(asked.headers.get('content-type')).toBe(told.headers.get('content-type'))
      }
    },
  },
  {
    id: 'head.refused',
    says: 'refuses HEAD like GET, without the body',
    rules: ['head', 'not-found.toolkit'],
    async run(host) {
      for (const path of ['/public/atp/none/', '/public/atp/shop/none/', '/public/atp/a/b/c']) {
        const answer = await send(host, path, { method: 'HEAD' })
        expect([answer.status, answer.text]).toEqual([404, ''])
      }
    },
  },
  {
    id: 'options.tool',
    says: 'answers OPTIONS on a tool with 200, Allow and no body',
    rules: ['options'],
    async run(host) {
      for (const path of toolPaths) {
        const answer = await send(host, path, { method: 'OPTIONS' })
        expect([answer.status, answer.headers.get('allow'), answer.text]).toEqual([200, toolAllow, ''])
      }
    },
  },
  {
    id: 'options.elsewhere',
    says: 'answers OPTIONS elsewhere with 200, Allow without POST, and no body',
    rules: ['options'],
    async run(host) {
      for (const path of [...readOnlyPaths, ...documents]) {
        const answer = await send(host, path, { method: 'OPTIONS' })
        expect([path, answer.status, answer.headers.get('allow'), answer.text]).toEqual([path, 200, readAllow, ''])
      }
    },
  },
  {
    id: 'options.unknown',
    says: 'answers OPTIONS on what is not there with 404',
    rules: ['options', 'order'],
    async run(host) {
      const toolkit = await send(host, '/public/atp/none/', { method: 'OPTIONS' })
      expectError(toolkit, 404, 'toolkit_not_found', 'Toolkit not found')
      const tool = await send(host, '/public/atp/shop/none/', { method: 'OPTIONS' })
      expectError(tool, 404, 'tool_not_found', 'Tool not found')
    },
  },
  {
    id: 'options.open',
    says: 'answers OPTIONS without asking who calls',
    rules: ['options', 'authorize.metadata'],
    async run(host) {
      for (const path of [
        '/keys/atp/shop/quote/',
        '/bare/atp/shop/quote/',
        '/custom/atp/shop/quote/',
        '/custom/atp/',
      ]) {
        expect((await send(host, path, { method: 'OPTIONS' })).status).toBe(200)
      }
    },
  },
  {
    id: 'method.tool',
    says: 'refuses PUT, PATCH and DELETE on a tool with 405 and Allow',
    rules: ['method', 'errors.json'],
    async run(host) {
      for (const method of ['PUT', 'PATCH', 'DELETE']) {
        for (const path of toolPaths) {
          const answer = await send(host, path, { method })
          expectError(answer, 405, 'method_not_allowed')
          expect(answer.headers.get('allow')).toBe(toolAllow)
        }
      }
    },
  },
  {
    id: 'method.elsewhere',
    says: 'refuses all but GET, HEAD and OPTIONS elsewhere with 405 and Allow',
    rules: ['method', 'errors.json'],
    async run(host) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        for (const path of [...readOnlyPaths, ...documents]) {
          const answer = await send(host, path, { method })
          expectError(answer, 405, 'method_not_allowed')
          expect(answer.headers.get('allow')).toBe(readAllow)
        }
      }
    },
  },
]
