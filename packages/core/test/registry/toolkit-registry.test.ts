import { describe, expect, it } from 'vitest'
import { Toolkit } from '../../src/registry/toolkit.ts'
import { createRegistry } from '../../src/registry/toolkit-registry.ts'

const makeToolkit = (): Toolkit => new Toolkit({ appName: 'workspace' })

describe('createRegistry', () => {
  it('finds a toolkit under the name it was registered with, which need not be its own', () => {
    const registry = createRegistry()
    const toolkit = makeToolkit()
    registry.registerClient('files', toolkit)
    expect(registry.getClient('files')).toBe(toolkit)
    expect(registry.getClient('workspace')).toBeUndefined()
  })

  it('can be walked in the order of registration', () => {
    const registry = createRegistry()
    const [one, two] = [makeToolkit(), makeToolkit()]
    registry.registerClient('b', one)
    registry.registerClient('a', two)
    expect([...registry]).toEqual([
      ['b', one],
      ['a', two],
    ])
  })

  it('refuses another toolkit under a taken name and takes the same one again', () => {
    const registry = createRegistry()
    const toolkit = makeToolkit()
    registry.registerClient('files', toolkit)
    expect(() => registry.registerClient('files', toolkit)).not.toThrow()
    expect(() => registry.registerClient('files', makeToolkit())).toThrow(
      expect.objectContaining({
        code: 'toolkit_name_conflict',
        message: 'Another toolkit is registered under "files" already',
      }),
    )
    expect(registry.getClient('files')).toBe(toolkit)
  })

  it.each(['', 'a\nb', undefined])('refuses the name %j', (name) => {
    expect(() => createRegistry().registerClient(name as string, makeToolkit())).toThrow(
      expect.objectContaining({ code: 'invalid_name' }),
    )
  })

  it('treats __proto__ and constructor as names like any other', () => {
    const registry = createRegistry()
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(registry.getClient(name)).toBeUndefined()
      const toolkit = makeToolkit()
      registry.registerClient(name, toolkit)
      expect(registry.getClient(name)).toBe(toolkit)
    }
  })

  it('makes a registry of its own each time', () => {
    const registry = createRegistry()
    registry.registerClient('files', makeToolkit())
    expect([...createRegistry()]).toEqual([])
  })
})
