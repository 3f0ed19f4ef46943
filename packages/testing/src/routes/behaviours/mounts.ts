import { expect } from 'vitest'
import { expectAlive, expectError, expectPassedOn } from '../expectations.ts'
import { call, get, post, postText, send } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

/** Several mounts, and an app around them. */
export const mountBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'mount.root',
    says: 'serves a mount at the root beside others, each with its own toolkits only',
    rules: ['mounts.several', 'mounts.prefix'],
    async run(host) {
      expect((await get(host, '/atp/')).json).toEqual({ toolkits: [{ toolkit: 'home', app_name: 'home' }] })
      expect(await call(host, '/atp/home/quote/', { sku: 'x' })).toEqual({ sku: 'x' })
      expectError(await get(host, '/atp/shop/'), 404, 'toolkit_not_found')
      expectError(await get(host, '/public/atp/home/'), 404, 'toolkit_not_found')
    },
  },
  {
    id: 'mount.prefix',
    says: 'serves a mount under a prefix of several segments',
    rules: ['mounts.prefix'],
    async run(host) {
      const nested = { toolkits: [{ toolkit: 'shop', app_name: 'shop' }] }
      for (const path of ['/nested/deeper/atp', '/nested/deeper/atp/']) {
        expect((await get(host, path)).json).toEqual(nested)
      }
      expect(await call(host, '/nested/deeper/atp/shop/quote', { sku: 'x' })).toEqual({ sku: 'x' })
    },
  },
  {
    id: 'mount.prefix-exactly',
    says: 'serves a mount under exactly its prefix',
    rules: ['mounts.prefix', 'pass-on'],
    async run(host) {
      await expectAlive(host)
      for (const path of ['/nested/atp/', '/deeper/atp/', '/nested/deeper2/atp/', '/publicatp/', '/nested/utcp']) {
        expectPassedOn(await get(host, path))
      }
    },
  },
  {
    id: 'mount.prefix-alike',
    says: 'passes on paths that only begin like a prefix',
    rules: ['mounts.prefix', 'pass-on'],
    async run(host) {
      await expectAlive(host)
      for (const path of [
        '/publicx/atp/',
        '/publicx/utcp',
        '/publicx/atp/shop/quote',
        '/nested/deeper2/atp/shop/quote/',
      ]) {
        expectPassedOn(await get(host, path))
        expectPassedOn(await post(host, path, { sku: 'x' }))
      }
    },
  },
  {
    id: 'mount.own-options',
    says: 'serves one toolkit in several mounts, to each the options of its own',
    rules: ['mounts.several', 'authorize.public', 'authorize.closed'],
    async run(host) {
      const statusOf = async (mount: string): Promise<number> =>
        (await post(host, `${mount}/atp/shop/quote/`, { sku: 'x' })).status
      expect(await statusOf('/public')).toBe(200)
      expect(await statusOf('/bare')).toBe(401)
      expect(await statusOf('/nested/deeper')).toBe(200)
      expect(await statusOf('/custom')).toBe(401)
    },
  },
  {
    id: 'mount.registry',
    says: 'serves a registry under the names in it, whatever the toolkits call themselves',
    rules: ['mounts.several'],
    async run(host) {
      expect(await call(host, '/registry/atp/store/quote/', { sku: 'x' })).toEqual({ sku: 'x' })
      expect((await get(host, '/registry/atp/B%C3%BCro%20Nord/tell_name/')).status).toBe(200)
      expectError(await get(host, '/registry/atp/shop/'), 404, 'toolkit_not_found')
      expectError(await get(host, '/registry/atp/north/'), 404, 'toolkit_not_found')
    },
  },
  {
    id: 'mount.env',
    says: 'gives tools what the env option makes, and elsewhere nothing',
    rules: ['mounts.several'],
    async run(host) {
      expect(await call(host, '/settings/atp/probe/context/', {})).toMatchObject({ env: { region: 'north' } })
      expect(await call(host, '/public/atp/probe/context/', {})).toMatchObject({ env: null })
    },
  },
  {
    id: 'app.own-routes',
    says: "leaves the app's own routes as they are",
    rules: ['mounts.own-routes', 'pass-on'],
    async run(host) {
      expect(await get(host, '/own-route')).toMatchObject({ status: 200, text: 'own route' })
      expect(await post(host, '/own-route', { a: 1 })).toMatchObject({ status: 200, text: 'posted' })
      expect(await send(host, '/own-route', { method: 'POST' })).toMatchObject({ status: 200, text: 'posted' })
    },
  },
  {
    id: 'app.other-paths',
    says: 'leaves every other path to the app, with and without a body',
    rules: ['pass-on', 'mounts.own-routes'],
    async run(host) {
      await expectAlive(host)
      for (const path of ['/no-such-page', '/public', '/public/', '/public/other', '/nested/deeper/', '/keys/x/y']) {
        expectPassedOn(await get(host, path))
        expectPassedOn(await post(host, path, { a: 1 }))
        expectPassedOn(await postText(host, path, 'a=1', 'application/x-www-form-urlencoded'))
      }
    },
  },
]
