import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRouteName } from '../../src/http/http-options.ts'
import { findRoute, routePath } from '../../src/http/routes.ts'
import { createRegistry, Toolkit } from '../../src/index.ts'

const registry = createRegistry()
for (const name of ['shop', 'Büro Nord', 'constructor', 'a%2fb']) {
  const toolkit = new Toolkit({ appName: name })
  toolkit.registerTool({ name: 'find', description: 'Finds' }, () => 1)
  toolkit.registerTool({ name: 'constructor', description: 'Builds' }, () => 2)
  registry.registerClient(name, toolkit)
}
const kindOf = (path: string): string | undefined => findRoute(path, registry, '/utcp')?.kind

describe('the table of routes', () => {
  it.each([
    ['/atp', 'toolkits'],
    ['/atp/', 'toolkits'],
    ['/atp?page=2', 'toolkits'],
    ['/atp/shop', 'toolkit'],
    ['/atp/shop/', 'toolkit'],
    ['/atp/shop/find', 'tool'],
    ['/atp/shop/find/', 'tool'],
    ['/atp/shop/find/?a=1', 'tool'],
    ['/atp/shop/%66ind', 'unknown_tool'],
    ['/atp/%73hop/find', 'unknown_toolkit'],
    ['/atp/B%C3%BCro%20Nord/find', 'tool'],
    ['/atp/constructor/constructor', 'tool'],
    ['/atp/a%252fb/find', 'tool'],
    ['/utcp', 'manual'],
    ['/utcp/', 'manual'],
    ['/atp/openapi.json', 'openapi'],
    ['/atp/openapi.json/find', 'unknown_toolkit'],
    ['/atp/none', 'unknown_toolkit'],
    ['/atp/none/find', 'unknown_toolkit'],
    ['/atp/toString', 'unknown_toolkit'],
    ['/atp/__proto__/find', 'unknown_toolkit'],
    ['/atp/shop/none', 'unknown_tool'],
    ['/atp/shop/toString', 'unknown_tool'],
    ['/atp/shop/__proto__', 'unknown_tool'],
    ['/atp/shop/find/more', 'nothing'],
    ['/atp/shop/find//', 'nothing'],
    ['/atp//', 'unknown_toolkit'],
    ['/atp//find', 'unknown_toolkit'],
    ['/atp/shop//', 'unknown_tool'],
  ])('takes %s for: %s', (path, kind) => {
    expect(kindOf(path)).toBe(kind)
  })

  it.each([
    '/',
    '',
    '/atpx',
    '/ATP/shop',
    '/utcpx',
    '/x/atp',
    'atp',
    '/%61tp/',
    'http://localhost/atp/',
    'http:///atp/shop/find',
    '*',
  ])('leaves %s to the app', (path) => {
    expect(findRoute(path, registry, '/utcp')).toBeUndefined()
  })

  it.each([
    '%2e%2e',
    '..',
    '.',
    'shop%2ffind',
    'shop%5cfind',
    'shop%00',
    '%zz',
    '%',
    '%c3%28',
    'shop%0a',
    'shop%2Ffind',
  ])('finds nothing behind the segment %s', (segment) => {
    expect(kindOf(`/atp/${segment}`)).toBe('unknown_toolkit')
    expect(kindOf(`/atp/shop/${segment}`)).toBe('unknown_tool')
  })

  it('decodes once: a name that looks encoded is found by its own encoding only', () => {
    expect(kindOf('/atp/a%2fb/find')).toBe('unknown_toolkit')
  })

  it.each(['0', '9', 'a', 'n', 'o', 'p', 'z', 'A', 'N', 'O', 'P', 'Z', '-', '.', '_', '~'])(
    'finds no toolkit whose plain %s came as an escape, in either case of its digits',
    (character) => {
      const own = createRegistry()
      own.registerClient(`x${character}x`, new Toolkit({ appName: 'plain' }))
      const hidden = `%${character.charCodeAt(0).toString(16)}`
      expect(findRoute(`/atp/x${character}x`, own, '/utcp')?.kind).toBe('toolkit')
      for (const each of [hidden, hidden.toUpperCase()]) {
        expect(findRoute(`/atp/x${each}x`, own, '/utcp')?.kind).toBe('unknown_toolkit')
      }
    },
  )

  it('has no manual where it is turned off', () => {
    expect(findRoute('/utcp', registry, undefined)).toBeUndefined()
  })

  it('finds every toolkit by the path it gives it', () => {
    fc.assert(
      fc.property(
        fc
          .string({ minLength: 1, maxLength: 128, unit: 'binary' })
          .filter((name) => isRouteName(name) && name.trim() !== '' && !/\p{Cc}/u.test(name)),
        (name) => {
          const own = createRegistry()
          const toolkit = new Toolkit({ appName: name })
          toolkit.registerTool({ name: 'find', description: '' }, () => 1)
          own.registerClient(name, toolkit)
          expect(findRoute(routePath(name, 'find'), own, '/utcp')).toMatchObject({ kind: 'tool', name })
        },
      ),
    )
  })

  it('never throws and never leaves the mount, whatever the path', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (rest) => {
        expect(findRoute(`/atp/${rest}`, registry, '/utcp')).toBeDefined()
      }),
    )
  })
})
