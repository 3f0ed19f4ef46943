import { expect } from 'vitest'
import { expectAlive, expectError } from '../expectations.ts'
import { call, get, post } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

/** One plain character each is hidden. */
const disguised = [
  '/tricky/atp/%422B-tools_v1.0~beta',
  '/tricky/atp/B%32B-tools_v1.0~beta',
  '/tricky/atp/B2B%2Dtools_v1.0~beta',
  '/tricky/atp/B2B%2dtools_v1.0~beta',
  '/tricky/atp/B2B-tool%73_v1.0~beta',
  '/tricky/atp/B2B-tools%5Fv1.0~beta',
  '/tricky/atp/B2B-tools%5fv1.0~beta',
  '/tricky/atp/B2B-tools_v1%2E0~beta',
  '/tricky/atp/B2B-tools_v1%2e0~beta',
  '/tricky/atp/B2B-tools_v1.%30~beta',
  '/tricky/atp/B2B-tools_v1.0%7Ebeta',
  '/tricky/atp/B2B-tools_v1.0%7ebeta',
  '/tricky/atp/B2B-tools_v1.0~bet%61',
] as const

/** Escapes in paths. */
export const escapeBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'path.decoded-once',
    says: 'decodes a name exactly once',
    rules: ['input.paths'],
    async run(host) {
      expect((await get(host, '/tricky/atp/half%2520price/')).status).toBe(200)
      expectError(await get(host, '/tricky/atp/half%20price/'), 404, 'toolkit_not_found')
      expectError(await get(host, '/public/atp/%2573hop/'), 404, 'toolkit_not_found')
    },
  },
  {
    id: 'path.disguised-toolkit',
    says: "finds no toolkit behind an escape that hides a plain character, as the app's guard on the plain path would not",
    rules: ['input.paths', 'not-found.toolkit', 'authorize.host'],
    async run(host) {
      expect(await call(host, '/tricky/atp/B2B-tools_v1.0~beta/atp', {})).toMatchObject({ name: 'atp' })
      for (const path of disguised) {
        expectError(await get(host, path), 404, 'toolkit_not_found')
        expectError(await post(host, `${path}/atp`, {}), 404, 'toolkit_not_found')
      }
      expectError(await post(host, '/public/atp/%73hop/quote', { sku: 'x' }), 404, 'toolkit_not_found')
    },
  },
  {
    id: 'path.disguised-tool',
    says: 'finds no tool behind an escape that hides a plain character',
    rules: ['input.paths', 'not-found.tool', 'authorize.host'],
    async run(host) {
      for (const name of ['%71uote', 'quot%65', 'find%5Fproducts', 'find%5fproducts', 'f%69nd_products']) {
        expectError(await get(host, `/public/atp/shop/${name}`), 404, 'tool_not_found')
        expectError(await post(host, `/public/atp/shop/${name}/`, { sku: 'x', query: 'x' }), 404, 'tool_not_found')
      }
    },
  },
  {
    id: 'path.disguised-route',
    says: 'finds no route of ours behind an escape in atp, utcp or openapi.json',
    rules: ['input.paths'],
    async run(host) {
      await expectAlive(host)
      for (const path of ['%61tp/', 'at%70/shop/', 'a%74p/shop/quote', 'ut%63p', 'atp/%6Fpenapi.json']) {
        expect([path, (await get(host, `/public/${path}`)).status]).toEqual([path, 404])
        expect([path, (await post(host, `/public/${path}`, { sku: 'x' })).status]).toEqual([path, 404])
      }
    },
  },
  {
    id: 'path.needed-escapes',
    says: 'takes escapes that a name needs or may have, in large and small letters',
    rules: ['input.paths', 'route.run'],
    async run(host) {
      for (const [path, appName] of [
        ['B%C3%BCro%20Nord', 'Büro Nord'],
        ['B%c3%bcro%20Nord', 'Büro Nord'],
        ['%40shop%2Bmore', '@shop+more'],
        ['%40shop%2bmore', '@shop+more'],
        ['@shop+more', '@shop+more'],
        ['dots.and%3Asigns%3B%3D%26%2B', 'dots.and:signs;=&+'],
        ['dots.and%3asigns%3b%3d%26%2b', 'dots.and:signs;=&+'],
        ['dots.and:signs;=&+', 'dots.and:signs;=&+'],
      ] as const) {
        expect([path, (await get(host, `/tricky/atp/${path}`)).json]).toMatchObject([path, { toolkit: appName }])
        expect(await call(host, `/tricky/atp/${path}/atp/`, {})).toMatchObject({ appName })
      }
    },
  },
  {
    id: 'path.plus',
    says: 'takes a plus sign for a plus sign',
    rules: ['input.paths'],
    async run(host) {
      expect((await get(host, '/tricky/atp/B%C3%BCro%20Nord/')).status).toBe(200)
      expectError(await get(host, '/tricky/atp/B%C3%BCro+Nord/'), 404, 'toolkit_not_found')
    },
  },
]
