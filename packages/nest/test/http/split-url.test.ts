import { describe, expect, it } from 'vitest'
import type { PlatformRequest } from '../../src/http/platform.ts'
import { splitUrl } from '../../src/http/split-url.ts'

const routes = ['/atp', '/atp/*rest', '/tools/manual']

function split(route: string, url: string, originalUrl?: string): unknown {
  const request = { url, route: { path: route }, ...(originalUrl === undefined ? {} : { originalUrl }) }
  return splitUrl(request as PlatformRequest, routes)
}

describe('splitUrl', () => {
  it.each([
    ['/atp', '/atp/', '', '/atp/'],
    ['/atp/*rest', '/atp/atp/atp?x=/atp/', '', '/atp/atp/atp?x=/atp/'],
    ['/api/v1/atp/*rest', '/api/v1/atp/shop//', '/api/v1', '/atp/shop//'],
    ['/atp/atp/atp/*rest', '/atp/atp/atp/shop', '/atp/atp', '/atp/shop'],
    ['/tenants/:id/atp/*rest', '/tenants/a%2Fb/atp/shop/%61', '/tenants/a%2Fb', '/atp/shop/%61'],
    ['/api/tools/manual', '/api/tools/manual?x', '/api', '/tools/manual?x'],
  ])('on route %s, of %s, takes %j as what precedes %s', (route, url, basePath, path) => {
    expect(split(route, url)).toEqual({ basePath, path })
  })

  it('adds what an outer app took off', () => {
    expect(split('/api/atp/*rest', '/api/atp/shop', '/outer/api/atp/shop')).toEqual({
      basePath: '/outer/api',
      path: '/atp/shop',
    })
  })

  it('goes by the URL that was routed where the app rewrote it', () => {
    expect(split('/api/atp/*rest', '/api/atp/shop', '/old/shop')).toEqual({ basePath: '/api', path: '/atp/shop' })
  })
})
