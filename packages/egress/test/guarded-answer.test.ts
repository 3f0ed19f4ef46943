import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGuardedFetch, type GuardedFetch } from '../src/index.ts'
import { errorOf } from './support/refusal.ts'
import { type Answer, startWeb, type Web } from './support/web.ts'

/** What only bare answers have; the rest is in the suites that run on both paths. */
let web: Web
let guarded: GuardedFetch
let answer: Answer

beforeEach(async () => {
  answer = (_request, response) => response.end('ok')
  web = await startWeb((request, response) => answer(request, response))
  guarded = createGuardedFetch(web.options)
})

afterEach(async () => {
  await guarded.close()
  await web[Symbol.asyncDispose]()
})

const url = 'https://public.example/'
const textOf = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)

describe('a bare answer', () => {
  it('is read in pieces, as a whole, or first one and then the other', async () => {
    let next = (): unknown => undefined
    answer = (_request, response) => {
      response.write('one ')
      next = () => response.end('two')
    }
    const pieces = await guarded.request(url)
    expect(textOf(await pieces.read())).toBe('one ')
    next()
    expect(textOf(await pieces.bytes())).toBe('two')
    expect([await pieces.read(), textOf(await pieces.bytes())]).toEqual([undefined, ''])
  })

  it('has the headers of each kind that a server repeats', async () => {
    answer = (_request, response) => response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end()
    expect((await guarded.request(new URL(url))).header('set-cookie')).toBe('a=1, b=2')
  })

  it('leaves its connection to others when it is discarded whole, and closes it when there would be more', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-length': '0' }).end()
    const before = web.internet.attempts.length
    for (let round = 0; round < 10; round += 1) {
      const whole = await guarded.request(url)
      whole.discard()
      whole.discard()
      expect(await whole.read()).toBe(undefined)
    }
    expect(web.internet.attempts.length - before).toBeLessThanOrEqual(2)
    answer = (_request, response) => response.write('first')
    const part = await guarded.request(url)
    part.discard()
    await expect.poll(() => web.connections()).toBe(0)
  })

  it('fails again when it is read again after it failed', async () => {
    await using small = createGuardedFetch({ ...web.options, maxResponseBytes: 10 })
    answer = (_request, response) => response.end('more than ten bytes')
    const tooLarge = await small.request(url)
    for (let time = 0; time < 2; time += 1) {
      expect(await errorOf(tooLarge.read())).toMatchObject({ code: 'upstream_failed', details: { rule: 'E6' } })
    }
    expect((await errorOf(tooLarge.bytes())).code).toBe('upstream_failed')
  })

  it('that is packed can be left in the middle', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync('x'.repeat(5_000_000)))
    }
    const packed = await guarded.request(url)
    expect(packed.header('content-encoding')).toBe(null)
    expect((await packed.read())?.byteLength).toBeGreaterThan(0)
    packed.discard()
    expect(await packed.read()).toBe(undefined)
    await expect.poll(() => web.connections()).toBe(0)
  })

  it('that is packed ends by its signal although more of it is unpacked already', async () => {
    const packed = gzipSync('x'.repeat(1_000_000))
    answer = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed)
    const reason = new Error('enough')
    const controller = new AbortController()
    const half = await guarded.request(url, { signal: controller.signal })
    expect((await half.read())?.byteLength).toBeLessThan(1_000_000)
    controller.abort(reason)
    await expect(half.read()).rejects.toBe(reason)
    await expect(half.bytes()).rejects.toBe(reason)
  })

  it('is given up at once while its connection is still being made, and not asked for once it is', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const { promise: found, resolve: find } = Promise.withResolvers<readonly string[]>()
    await using waiting = createGuardedFetch({
      ...web.options,
      lookup: () => {
        controller.abort(reason)
        return found
      },
    })
    await expect(waiting.request(url, { signal: controller.signal })).rejects.toBe(reason)
    find(await web.options.lookup('public.example'))
    expect(await (await waiting.request(`${url}second`)).bytes()).toHaveLength(2)
    expect(web.seen.map(({ url: asked }) => asked)).toEqual([`${url}second`])
  })
})
