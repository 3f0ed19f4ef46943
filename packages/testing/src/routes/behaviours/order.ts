import { expectError } from '../expectations.ts'
import { post, postText, send } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

/** Which of several mistakes is told. */
export const orderBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'order.toolkit-before-tool',
    says: 'misses the toolkit before the tool',
    rules: ['order', 'not-found.toolkit'],
    async run(host) {
      expectError(await post(host, '/keys/atp/none/none/', {}), 404, 'toolkit_not_found', 'Toolkit not found')
    },
  },
  {
    id: 'order.404-before-405',
    says: 'misses toolkit and tool before it minds the method',
    rules: ['order', 'method'],
    async run(host) {
      for (const method of ['PUT', 'DELETE']) {
        expectError(await send(host, '/keys/atp/none/quote/', { method }), 404, 'toolkit_not_found')
        expectError(await send(host, '/keys/atp/none/', { method }), 404, 'toolkit_not_found')
        expectError(await send(host, '/keys/atp/shop/none/', { method }), 404, 'tool_not_found')
      }
    },
  },
  {
    id: 'order.404-before-401',
    says: 'misses toolkit and tool before it asks who calls',
    rules: ['order', 'unauthorized'],
    async run(host) {
      for (const mount of ['/keys', '/bare', '/custom']) {
        expectError(await post(host, `${mount}/atp/none/none/`, {}), 404, 'toolkit_not_found')
        expectError(await post(host, `${mount}/atp/shop/none/`, {}), 404, 'tool_not_found')
      }
    },
  },
  {
    id: 'order.405-before-401',
    says: 'minds the method before it asks who calls',
    rules: ['order', 'method', 'unauthorized'],
    async run(host) {
      for (const mount of ['/keys', '/bare', '/custom']) {
        expectError(await send(host, `${mount}/atp/shop/quote/`, { method: 'PUT' }), 405, 'method_not_allowed')
        expectError(await send(host, `${mount}/atp/shop/`, { method: 'POST' }), 405, 'method_not_allowed')
      }
    },
  },
  {
    id: 'order.401-before-415',
    says: 'asks who calls before it minds the content type',
    rules: ['order', 'unauthorized', 'media-type'],
    async run(host) {
      for (const mount of ['/keys', '/bare']) {
        expectError(await postText(host, `${mount}/atp/shop/quote/`, 'x', 'text/plain'), 401, 'unauthorized')
      }
    },
  },
  {
    id: 'order.401-before-400',
    says: 'asks who calls before it reads the body',
    rules: ['order', 'unauthorized', 'bad-request'],
    async run(host) {
      for (const mount of ['/keys', '/bare']) {
        const path = `${mount}/atp/shop/quote/`
        expectError(await postText(host, path, '{"sku', 'application/json'), 401, 'unauthorized')
        expectError(await post(host, path, {}), 401, 'unauthorized')
      }
    },
  },
  {
    id: 'order.404-before-400',
    says: 'misses toolkit and tool before it reads the body',
    rules: ['order', 'bad-request', 'media-type'],
    async run(host) {
      for (const type of ['application/json', 'text/plain']) {
        expectError(await postText(host, '/public/atp/none/none/', '{"sku', type), 404, 'toolkit_not_found')
        expectError(await postText(host, '/public/atp/shop/none/', '{"sku', type), 404, 'tool_not_found')
      }
    },
  },
  {
    id: 'order.405-before-400',
    says: 'minds the method before it reads the body',
    rules: ['order', 'method', 'bad-request'],
    async run(host) {
      for (const type of ['application/json', 'text/plain']) {
        const init = { method: 'PUT', body: new TextEncoder().encode('{"sku'), headers: { 'content-type': type } }
        expectError(await send(host, '/public/atp/shop/quote/', init), 405, 'method_not_allowed')
        expectError(await postText(host, '/public/atp/shop/', '{"sku', type), 405, 'method_not_allowed')
      }
    },
  },
  {
    id: 'order.415-before-400',
    says: 'minds the content type before it reads the body',
    rules: ['order', 'media-type', 'bad-request'],
    async run(host) {
      const answer = await postText(host, '/public/atp/shop/quote/', '{"sku', 'text/plain')
      expectError(answer, 415, 'unsupported_media_type')
    },
  },
  {
    id: 'order.params-before-token',
    says: 'misses parameters before the token',
    rules: ['outcome.refused'],
    async run(host) {
      expectError(await post(host, '/public/atp/contacts/create_contact/', {}), 400, 'missing_params')
    },
  },
  {
    id: 'order.token-before-values',
    says: 'misses the token before it checks values',
    rules: ['outcome.refused'],
    async run(host) {
      expectError(await post(host, '/public/atp/contacts/share_card/', { email: 5 }), 400, 'missing_token')
    },
  },
]
