import { describe, expect, it } from 'vitest'
import { createAtpHandler } from '../../src/http.ts'
import { type AtpHttpOptions, createRegistry, Toolkit } from '../../src/index.ts'

const toolkit = (appName: string): Toolkit => new Toolkit({ appName })
const mount = (options: AtpHttpOptions): unknown => createAtpHandler(toolkit('shop'), options)

describe('what can be mounted', () => {
  it.each([undefined, null, 'shop', 5, {}, [{}], [undefined]])('refuses %j with the list of what can be', (source) => {
    expect(() => createAtpHandler(source as never)).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining('createRegistry()') }),
    )
  })

  it('refuses two toolkits of one name', () => {
    expect(() => createAtpHandler([toolkit('shop'), toolkit('shop')])).toThrow(
      expect.objectContaining({ code: 'toolkit_name_conflict', message: expect.stringContaining('"shop"') }),
    )
  })

  it.each(['a/b', '..', '.', 'a\\b', 'openapi.json', 'a\ud800'])(
    'refuses a toolkit called %s, which no path can name',
    (name) => {
      expect(() => createAtpHandler(toolkit(name))).toThrow(expect.objectContaining({ code: 'invalid_name' }))
      const registry = createRegistry()
      registry.registerClient(name, toolkit('shop'))
      expect(() => createAtpHandler(registry)).toThrow(expect.objectContaining({ code: 'invalid_name' }))
    },
  )
})

describe('the options of a mount', () => {
  it.each([
    { authorize: 'open' },
    { authorize: null },
    { authorize: {} },
    { authorize: { keys: [] } },
    { authorize: { keys: [''] } },
    { authorize: { keys: ['short'] } },
    { authorize: { keys: [undefined] } },
    { authorize: { keys: 'a-long-enough-key' } },
    { utcpPath: 'utcp' },
    { utcpPath: '/atp/utcp' },
    { utcpPath: '/' },
    { utcpPath: '' },
    { utcpPath: '/a?b' },
    { publicUrl: 'example.com' },
    { publicUrl: 'ftp://example.com' },
    { publicUrl: 'https://example.com?x=1' },
    { publicUrl: 'https://user:password@example.com' },
    { maxConcurrency: 0 },
    { maxConcurrency: 1.5 },
  ])('refuses %j by the name of the option', (options) => {
    expect(() => mount(options as AtpHttpOptions)).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringContaining(Object.keys(options)[0] as string),
      }),
    )
  })

  it('says nothing of the keys it refuses', () => {
    expect(() => mount({ authorize: { keys: ['hunter2'] } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
  })

  it.each([{ utcpPath: '/tools/utcp/' }, { utcpPath: false as const }, { publicUrl: 'https://example.com/api/' }])(
    'takes %j',
    (options) => {
      expect(() => mount(options)).not.toThrow()
    },
  )
})
