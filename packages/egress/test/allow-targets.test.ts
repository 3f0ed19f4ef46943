import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guardedConnect } from '../src/index.ts'
import { onBothPaths } from './support/on-both-paths.ts'
import { errorOf } from './support/refusal.ts'
import { startWeb, type Web } from './support/web.ts'

onBothPaths(({ create }) => {
  let web: Web
  beforeAll(async () => {
    web = await startWeb((_request, response) => response.end('private'))
    for (const address of ['10.0.0.5', 'fd00::5']) {
      web.internet.host(address, 443, web.tlsPort)
      web.internet.host(address, 8443, web.tlsPort)
      web.internet.host(address, 8080, web.plainPort)
    }
  })
  afterAll(() => web[Symbol.asyncDispose]())

  const lookup = async (): Promise<string[]> => ['10.0.0.5']

  describe('a listed target', () => {
    it('is open, and nothing near it is', async () => {
      const options = { ca: web.options.ca, lookup, allowTargets: ['public.example:8443'] }
      await using guarded = create(options)
      expect(await (await guarded('https://public.example:8443/x?y')).text()).toBe('private')
      expect(await (await guarded('https://PUBLIC.example:8443/')).text()).toBe('private')
      const before = web.internet.attempts.length
      for (const [url, rule] of [
        ['https://public.example/', 'E3'],
        ['https://public.example:8444/', 'E3'],
        ['https://10.0.0.5:8443/', 'E3'],
        ['https://sub.public.example:8443/', 'E3'],
        ['https://public.example.:8443/', 'E3'],
        ['https://public.example.evil.example:8443/', 'E3'],
        ['https://evilpublic.example:8443/', 'E3'],
        ['http://public.example:8443/', 'E2'],
        ['https://user:password@public.example:8443/', 'E2'],
      ]) {
        expect(await errorOf(guarded(url as string)), url).toMatchObject({ code: 'egress_refused', details: { rule } })
      }
      expect(web.internet.attempts.slice(before)).toEqual([])
    })

    it('is open without TLS only where the list says so', async () => {
      await using guarded = create({
        ca: web.options.ca,
        lookup,
        allowTargets: ['http://10.0.0.5:8080', 'http://[fd00::5]:8080', '10.0.0.5:443'],
      })
      for (const url of ['http://10.0.0.5:8080/', 'http://0xa.5:8080/', 'http://[FD00:0::5]:8080/']) {
        expect(await (await guarded(url)).text(), url).toBe('private')
      }
      expect(await errorOf(guarded('http://10.0.0.5:443/'))).toMatchObject({ details: { rule: 'E2' } })
      expect(await errorOf(guarded('http://10.0.0.5/'))).toMatchObject({ details: { rule: 'E2' } })
    })

    it('is open to sockets, too', async () => {
      const socket = await guardedConnect({ host: '10.0.0.5', port: 8080, tls: false, allowTargets: ['10.0.0.5:8080'] })
      socket.destroy()
      expect(
        await errorOf(guardedConnect({ host: '10.0.0.5', port: 8443, allowTargets: ['10.0.0.5:8080'] })),
      ).toMatchObject({ details: { rule: 'E3' } })
    })

    it.each([
      ...[
        'public.example',
        '10.0.0.5',
        '10.0.0.5:',
        ':443',
        '*:443',
        '*.public.example:443',
        '10.0.0.0/8:443',
        '10.0.0.5:0443',
      ],
      ...[
        'public.example:443/',
        'https://public.example:443',
        'user@public.example:443',
        '10.5:443',
        '0xa.0.0.5:443',
        '[fd00:0::5]:443',
      ],
      ...['10.0.0.5:99999', '10.0.0.5:443 ', '10.0.0.5:443:443', 'http://public.example', 'http://http://a:1', ''],
    ])('is an exact host:port, which %j is not', (entry) => {
      expect(() => create({ allowTargets: [entry] })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    })
  })

  describe('allowLoopbackHttp', () => {
    it('opens the literal loopback addresses, with TLS and without', async () => {
      await using guarded = create({
        ca: web.options.ca,
        allowLoopbackHttp: true,
        lookup: async () => ['127.0.0.1'],
      })
      const urls = [
        ...[
          `http://127.0.0.1:${web.plainPort}/`,
          `http://localhost:${web.plainPort}/`,
          `http://127.1:${web.plainPort}/`,
        ],
        ...[`https://127.0.0.1:${web.tlsPort}/`, `https://localhost:${web.tlsPort}/`],
      ]
      for (const url of urls) expect(await (await guarded(url)).text(), url).toBe('private')
    })

    it('opens nothing else', async () => {
      await using guarded = create({ allowLoopbackHttp: true, lookup: async () => ['127.0.0.1'] })
      const before = web.internet.attempts.length
      for (const [url, rule] of [
        ['http://localhost.evil.example/', 'E2'],
        ['http://127.0.0.1.evil.example/', 'E2'],
        ['https://localhost.evil.example/', 'E3'],
        ['http://app.localhost/', 'E2'],
        ['https://app.localhost/', 'E3'],
        ['http://localhost./', 'E2'],
        ['http://0.0.0.0/', 'E2'],
        ['http://10.0.0.5:8080/', 'E2'],
        ['https://10.0.0.5/', 'E3'],
        ['http://public.example/', 'E2'],
        ['https://public.example/', 'E3'],
      ]) {
        expect(await errorOf(guarded(url as string)), url).toMatchObject({ code: 'egress_refused', details: { rule } })
      }
      expect(web.internet.attempts.slice(before)).toEqual([])
    })

    it('takes nobody’s word for what localhost is', async () => {
      for (const address of ['10.0.0.5', '93.184.216.34', '0.0.0.0', '127.1']) {
        await using guarded = create({ allowLoopbackHttp: true, lookup: async () => ['127.0.0.1', address] })
        expect(await errorOf(guarded('http://localhost/'))).toMatchObject({
          code: 'egress_refused',
          details: { rule: 'E3' },
        })
      }
    })
  })
})
