import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { guardedConnect, isPublicAddress } from '../src/index.ts'
import { ipv4Form, ipv6Form, privateIpv4 } from './support/address-forms.ts'
import { onBothPaths } from './support/on-both-paths.ts'
import { errorOf } from './support/refusal.ts'
import { createFakeInternet } from './support/shared-fixtures.ts'

const internet = createFakeInternet()
afterAll(() => internet[Symbol.dispose]())

onBothPaths(({ create }) => {
  describe('no text form of a private address', () => {
    const formsOf4 = privateIpv4.chain((octets) =>
      ipv4Form(octets).map((form) => ({ form, address: octets.join('.') })),
    )
    const formsOf6 = privateIpv4.chain(ipv6Form)

    it.each([{ scheme: 'https' }, { scheme: 'http' }])('passes as the host of an $scheme URL', async ({ scheme }) => {
      let address = ''
      // What is not an address to the URL parser may be one to the system's resolver.
      await using guarded = create({ lookup: async () => [address] })
      await fc.assert(
        fc.asyncProperty(formsOf4, async (generated) => {
          address = generated.address
          const error = await errorOf(guarded(`${scheme}://${generated.form}:9/`))
          expect(error.code).toBe('egress_refused')
          expect(internet.attempts).toEqual([])
        }),
        { numRuns: 1_000 },
      )
    })

    it('passes as an IPv6 host of a URL', async () => {
      await using guarded = create({ lookup: async () => [] })
      await fc.assert(
        fc.asyncProperty(formsOf6, async (form) => {
          expect(isIPv6(form), form).toBe(true)
          expect(await errorOf(guarded(`https://[${form}]:9/`))).toMatchObject({ details: { rule: 'E3' } })
          expect(internet.attempts).toEqual([])
        }),
        { numRuns: 1_000 },
      )
    })

    it('passes as the host of a socket, or as the answer of a name server', async () => {
      await fc.assert(
        fc.asyncProperty(formsOf4, formsOf6, async ({ form, address }, form6) => {
          expect([form, address, form6].filter(isPublicAddress)).toEqual([])
          const attempts = [
            guardedConnect({ host: form, port: 9, lookup: async () => [address] }),
            guardedConnect({ host: form6, port: 9 }),
            guardedConnect({ host: `[${form6}]`, port: 9, allowPlainText: true, tls: false }),
            guardedConnect({ host: 'public.example', port: 9, lookup: async () => ['93.184.216.34', form6] }),
          ]
          for (const attempt of attempts) expect((await errorOf(attempt)).code).toBe('egress_refused')
          expect(internet.attempts).toEqual([])
        }),
        { numRuns: 500 },
      )
    })
  })
})
