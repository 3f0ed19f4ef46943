import { expect } from 'vitest'
import { expectAlive, expectCheapRefusal, expectError, expectPassedOn } from '../expectations.ts'
import { trickyToolkits, trickyTools } from '../fixtures/tricky.ts'
import { call, get, post } from '../http-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

/** Which addresses are ours and what they mean. */
export const pathBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'path.both-slashes',
    says: 'answers the same with and without a final slash, and never redirects',
    rules: ['slashes'],
    async run(host) {
      for (const path of ['/public/atp', '/public/atp/shop', '/public/atp/shop/quote', '/atp', '/atp/home']) {
        const [without, withSlash] = [await get(host, path), await get(host, `${path}/`)]
        expect([without.status, withSlash.status]).toEqual([200, 200])
        expect(without.json).toEqual(withSlash.json)
      }
      for (const path of ['/public/atp/shop/quote', '/public/atp/shop/quote/', '/atp/home/quote', '/atp/home/quote/']) {
        expect(await call(host, path, { sku: 'lamp-1' })).toEqual({ sku: 'lamp-1' })
      }
    },
  },
  {
    id: 'path.query',
    says: 'does not mind a query, and takes no arguments from it',
    rules: ['route.run', 'slashes'],
    async run(host) {
      for (const path of ['/public/atp?page=2', '/public/atp/shop/?page=2', '/public/utcp?page=2']) {
        expect((await get(host, path)).status).toBe(200)
      }
      expect(await call(host, '/public/atp/shop/quote?quantity=3&sku=other', { sku: 'lamp-1' })).toEqual({
        sku: 'lamp-1',
      })
      expectError(await post(host, '/public/atp/shop/quote/?sku=lamp-1', {}), 400, 'missing_params')
    },
  },
  {
    id: 'path.toolkit-not-found',
    says: 'answers 404 "Toolkit not found" for a toolkit that is not there',
    rules: ['not-found.toolkit', 'errors.json'],
    async run(host) {
      for (const path of ['/public/atp/none', '/public/atp/none/', '/public/atp/none/quote/']) {
        expectError(await get(host, path), 404, 'toolkit_not_found', 'Toolkit not found')
        expect((await post(host, path, {})).status).toBe(404)
      }
    },
  },
  {
    id: 'path.tool-not-found',
    says: 'answers 404 "Tool not found" for a tool that is not there',
    rules: ['not-found.tool', 'errors.json'],
    async run(host) {
      for (const path of ['/public/atp/shop/none', '/public/atp/shop/none/']) {
        expectError(await get(host, path), 404, 'tool_not_found', 'Tool not found')
        expectError(await post(host, path, {}), 404, 'tool_not_found', 'Tool not found')
      }
    },
  },
  {
    id: 'path.deeper',
    says: 'answers 404 "Not found" for anything else below /atp/',
    rules: ['errors.json', 'input.paths'],
    async run(host) {
      for (const path of ['/public/atp/shop/quote/more', '/public/atp/shop/quote/more/', '/atp/home/quote/a/b']) {
        expectError(await get(host, path), 404, 'not_found', 'Not found')
        expectError(await post(host, path, { sku: 'lamp-1' }), 404, 'not_found', 'Not found')
      }
    },
  },
  {
    id: 'path.empty-segments',
    says: 'never matches a path with an empty segment',
    rules: ['input.paths'],
    async run(host) {
      const paths = ['//shop', '/shop//', '/shop//quote', '//shop/quote', '/shop/quote//', '//', '///']
      await expectNoMatch(
        host,
        paths.map((path) => `/public/atp${path}`),
      )
    },
  },
  {
    id: 'path.case',
    says: 'tells large from small letters',
    rules: ['not-found.toolkit', 'not-found.tool'],
    async run(host) {
      expectError(await get(host, '/public/atp/Shop/'), 404, 'toolkit_not_found')
      expectError(await get(host, '/public/atp/shop/Quote/'), 404, 'tool_not_found')
    },
  },
  {
    id: 'path.alike',
    says: 'passes on paths that only look like ours',
    rules: ['pass-on'],
    async run(host) {
      const paths = ['/public/atpx', '/public/atp-shop/quote', '/public/xatp/', '/public/utcpx', '/public/utcp/more']
      await expectAlive(host)
      for (const path of paths) {
        expectPassedOn(await get(host, path))
        expectPassedOn(await post(host, path, {}))
      }
    },
  },
  {
    id: 'path.encoded-separators',
    says: 'never takes an encoded slash or backslash for a separator, or for part of a name',
    rules: ['input.paths'],
    async run(host) {
      const tricks = ['shop%2Fquote', 'shop%2fquote', 'shop%5Cquote', 'shop%5cquote', 'shop/%2Fquote', '%2Fshop']
      await expectNoMatch(
        host,
        [...tricks, '..%2Fatp/shop', 'shop/quote%2F', 'shop%2F'].map((trick) => `/public/atp/${trick}`),
      )
    },
  },
  {
    id: 'path.unreachable-names',
    says: 'never matches a name that cannot stand in a path, even if a toolkit of that name is registered later',
    rules: ['input.paths', 'mounts.several'],
    async run(host) {
      for (const name of ['a/b', 'a\\b', 'store/quote']) {
        await call(host, '/late/atp/store/open_branch/', { name })
        const path = `/late/atp/${encodeURIComponent(name)}`
        await expectNoMatch(host, [path, `${path}/`, `${path}/quote`])
      }
    },
  },
  {
    id: 'path.encoded-nul',
    says: 'never matches a path with an encoded NUL',
    rules: ['input.paths'],
    async run(host) {
      await expectNoMatch(host, ['/public/atp/shop%00', '/public/atp/shop/quote%00', '/public/atp/%00/quote'])
    },
  },
  {
    id: 'path.malformed-percent',
    says: 'refuses escapes that are none, or are no UTF-8, as a mistake of the caller',
    rules: ['input.paths', 'input.cost'],
    async run(host) {
      const tricks = ['%', '%zz', '%E0%A4', '%C3%28', 'shop/%', 'shop/%ff', 'shop/quote%2']
      await expectNoMatch(
        host,
        tricks.map((trick) => `/public/atp/${trick}`),
      )
    },
  },
  {
    id: 'names.found',
    says: 'serves toolkits and tools with names like constructor, __proto__ and "what?#now" like any other',
    rules: ['input.names', 'route.run'],
    async run(host) {
      for (const appName of trickyToolkits) {
        const path = `/tricky/atp/${encodeURIComponent(appName)}`
        expect((await get(host, `${path}/`)).json).toMatchObject({ toolkit: appName, app_name: appName })
        for (const name of trickyTools) {
          expect((await get(host, `${path}/${name}`)).json).toMatchObject({ function: name })
          expect(await call(host, `${path}/${name}/`, {})).toEqual({ appName, name, args: {} })
        }
      }
    },
  },
  {
    id: 'names.not-inherited',
    says: 'finds no toolkit or tool that only every object has',
    rules: ['input.names', 'not-found.toolkit', 'not-found.tool'],
    async run(host) {
      for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'get', 'size']) {
        expectError(await get(host, `/public/atp/${name}/`), 404, 'toolkit_not_found')
        expectError(await post(host, `/public/atp/${name}/${name}/`, {}), 404, 'toolkit_not_found')
        expectError(await get(host, `/public/atp/shop/${name}/`), 404, 'tool_not_found')
        expectError(await post(host, `/public/atp/shop/${name}/`, {}), 404, 'tool_not_found')
      }
    },
  },
  {
    id: 'names.parameters',
    says: 'takes parameters called constructor and toString like any other',
    rules: ['input.names', 'route.run'],
    async run(host) {
      const args = { constructor: 'a', toString: 'b' }
      expect(await call(host, '/tricky/atp/constructor/constructor/', args)).toMatchObject({ args })
    },
  },
]

async function expectNoMatch(host: RoutesHost, paths: readonly string[]): Promise<void> {
  await expectAlive(host)
  for (const path of paths) {
    for (const answer of [await get(host, path), await post(host, path, { sku: 'lamp-1' })]) {
      expect([path, answer.status]).toSatisfy(([, status]) => status === 400 || status === 404)
      expectCheapRefusal(answer)
    }
  }
}
