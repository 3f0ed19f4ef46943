import { afterAll, beforeAll, expect, it } from 'vitest'
import { guardedConnect } from '../src/index.ts'
import { startNameServer } from './support/name-server.ts'
import { onBothPaths } from './support/on-both-paths.ts'
import { errorOf } from './support/refusal.ts'
import { type Canary, publicAddress, startCanary } from './support/shared-fixtures.ts'
import { startWeb, type Web } from './support/web.ts'

onBothPaths(({ create }) => {
  let canary: Canary
  let web: Web

  beforeAll(async () => {
    canary = await startCanary()
    web = await startWeb((_request, response) => response.writeHead(200, { connection: 'close' }).end('public'))
    web.internet.host(publicAddress, canary.port, web.tlsPort)
  })

  afterAll(async () => {
    await web[Symbol.asyncDispose]()
    await canary[Symbol.asyncDispose]()
  })

  it('connects to the very address that was checked, however the name server answers next', async () => {
    await using names = await startNameServer((_name, before) => [before === 0 ? publicAddress : '127.0.0.1'])
    await using guarded = create({ ...web.options, lookup: names.lookup })
    const before = web.internet.attempts.length
    // A guard that checks first and looks up again to connect would be at the canary now.
    const response = await guarded(`https://public.example:${canary.port}/`)
    expect(await response.text()).toBe('public')
    expect(names.asked).toEqual(['public.example'])
    expect(web.internet.attempts.slice(before)).toEqual([`${publicAddress}:${canary.port}`])

    const error = await errorOf(guarded(`https://public.example:${canary.port}/`))
    expect(error).toMatchObject({ code: 'egress_refused', details: { rule: 'E3' } })
    expect(names.asked).toEqual(['public.example', 'public.example'])
    expect(web.internet.attempts.slice(before)).toHaveLength(1)
    expect(canary.heard()).toBe(0)
  })

  it('asks and checks again for every socket', async () => {
    await using names = await startNameServer((_name, before) => [before === 0 ? publicAddress : '127.0.0.1'])
    const options = { ...web.options, lookup: names.lookup, host: 'public.example', port: canary.port }
    const socket = await guardedConnect(options)
    socket.destroy()
    expect(await errorOf(guardedConnect(options))).toMatchObject({ details: { rule: 'E3' } })
    expect(names.asked).toHaveLength(2)
    expect(canary.heard()).toBe(0)
  })

  it('refuses a name with one bad address among good ones, wherever it stands', async () => {
    const orders = [
      [publicAddress, '127.0.0.1'],
      ['127.0.0.1', publicAddress],
      [publicAddress, '8.8.8.8', '169.254.169.254', '1.1.1.1'],
    ]
    await using names = await startNameServer((name) => orders[Number(name.split('.')[0])] ?? [])
    await using guarded = create({ ...web.options, lookup: names.lookup })
    const before = web.internet.attempts.length
    for (const at of orders.keys()) {
      const error = await errorOf(guarded(`https://${at}.public.example:${canary.port}/`))
      expect(error).toMatchObject({ code: 'egress_refused', details: { rule: 'E3' } })
    }
    expect(web.internet.attempts.slice(before)).toEqual([])
  })

  it('tells nobody the address that a name has here', async () => {
    await using names = await startNameServer(() => ['10.11.12.13'])
    await using guarded = create({ ...web.options, lookup: names.lookup })
    const error = await errorOf(guarded('https://internal.example/path?key=hidden'))
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/10\.11|path|hidden/)
  })

  it('fails, rather than refuses, for a name that nobody knows', async () => {
    await using names = await startNameServer(() => [])
    await using guarded = create({ ...web.options, lookup: names.lookup })
    const error = await errorOf(guarded('https://nobody.example/'))
    expect(error).toMatchObject({
      code: 'upstream_failed',
      retryable: true,
      details: { target: 'https://nobody.example' },
    })
    expect(error.message).toBe('https://nobody.example could not be found by name (ENODATA)')
  })
})
