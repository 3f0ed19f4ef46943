import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { AtpError, type AtpHttpOptions, createFetchHandler, silentLogger, Toolkit } from '../../src/index.ts'

function shop(apiKey?: string): Toolkit {
  const toolkit = new Toolkit({ appName: 'shop', apiKey })
  toolkit.registerTool({ name: 'who', description: 'Who calls' }, (_args, { principal, authToken }) => ({
    id: principal?.id ?? null,
    authToken: authToken ?? null,
  }))
  toolkit.registerTool(
    { name: 'mail', description: 'Needs a token', auth: { type: 'OAuth2', provider: 'mail' } },
    (_args, { authToken }) => authToken,
  )
  return toolkit
}

async function post(
  toolkit: Toolkit,
  options: AtpHttpOptions,
  headers: Record<string, string> = {},
  tool = 'who',
): Promise<{ status: number; body: Record<string, unknown> }> {
  const request = new Request(`http://localhost/atp/shop/${tool}`, { method: 'POST', headers })
  const response = await createFetchHandler(toolkit, options)(request)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('who may run a tool', () => {
  it('nobody, where nothing is known to check against, and the answer names the option', async () => {
    const { status, body } = await post(shop(), {}, { authorization: 'Bearer something' })
    expect(status).toBe(401)
    expect(body.error).toContain('"authorize"')
  })

  it('whoever has the very key, and nobody with another one', async () => {
    const word = fc.string({ minLength: 8, maxLength: 40, unit: fc.constantFrom(...'abAB019_-.') })
    await fc.assert(
      fc.asyncProperty(word, word, async (key, given) => {
        const { status } = await post(shop(), { authorize: { keys: [key] } }, { authorization: `Bearer ${given}` })
        expect(status).toBe(key === given ? 200 : 401)
      }),
    )
    const { status } = await post(
      shop(),
      { authorize: { keys: ['first-key', 'second-key'] } },
      { authorization: 'Bearer second-key' },
    )
    expect(status).toBe(200)
  })

  it.each([
    'first-key',
    'Basic first-key',
    'Bearer',
    'Bearer ',
    'Bearer first-key extra',
    'Bearer first-ke',
    'Bearer first-keyy',
  ])('nobody who sends "Authorization: %s"', async (authorization) => {
    expect((await post(shop(), { authorize: { keys: ['first-key'] } }, { authorization })).status).toBe(401)
  })

  it('does not take the own key of the toolkit where keys are named', async () => {
    const authorize = { keys: ['named-key'] }
    expect((await post(shop('own-key-1'), { authorize }, { authorization: 'Bearer own-key-1' })).status).toBe(401)
    expect((await post(shop('own-key-1'), {}, { authorization: 'bearer own-key-1' })).status).toBe(200)
  })

  it('tells the tool who the app said calls, with the token the app knows', async () => {
    const authorize = async () => ({ id: 'ada', authToken: 'known' })
    expect((await post(shop(), { authorize })).body.result).toEqual({ id: 'ada', authToken: null })
    expect((await post(shop(), { authorize }, {}, 'mail')).body.result).toBe('known')
    expect((await post(shop(), { authorize }, { 'x-atp-auth-token': 'sent' }, 'mail')).body.result).toBe('sent')
  })

  it.each([false, undefined, null, 1, 'yes', {}, { id: 1 }])(
    'nobody, when the app’s function says %j',
    async (verdict) => {
      expect((await post(shop(), { authorize: () => verdict as never })).status).toBe(401)
    },
  )

  it('nobody, when the app’s function fails; its author is told, the caller is not', async () => {
    const logger = { ...silentLogger, error: vi.fn() }
    const authorize = (): never => {
      throw new Error('database password is hunter2')
    }
    const { status, body } = await post(shop(), { authorize, logger })
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('hunter2')
    expect(logger.error).toHaveBeenCalledWith('request.failed', {
      requestId: body.request_id,
      error: 'authorize failed: database password is hunter2',
    })
  })

  it('tells the toolkit’s own logger where the mount has none, whichever route it was', async () => {
    const logger = { ...silentLogger, error: vi.fn() }
    const toolkit = new Toolkit({ appName: 'shop', logger })
    toolkit.registerTool({ name: 'who', description: '' }, () => 1)
    const authorize = (): never => {
      throw new Error('down')
    }
    expect((await post(toolkit, { authorize })).status).toBe(500)
    expect((await createFetchHandler(toolkit, { authorize })(new Request('http://localhost/atp'))).status).toBe(500)
    expect(logger.error).toHaveBeenCalledTimes(2)
  })

  it('answers what the app’s function throws of ours', async () => {
    const authorize = (): never => {
      throw new AtpError('forbidden', 'Not on Sundays')
    }
    expect(await post(shop(), { authorize })).toMatchObject({ status: 403, body: { error: 'Not on Sundays' } })
  })

  it('asks the app’s function for metadata too, with the tool where there is one', async () => {
    const authorize = vi.fn(() => true)
    const handle = createFetchHandler(shop(), { authorize })
    for (const path of ['/atp', '/atp/shop', '/atp/shop/who', '/utcp', '/atp/openapi.json']) {
      expect((await handle(new Request(`http://localhost${path}`))).status).toBe(200)
    }
    expect(authorize.mock.calls.map((call) => (call as unknown[])[1])).toEqual([
      undefined,
      undefined,
      expect.objectContaining({ name: 'who' }),
      undefined,
      undefined,
    ])
    authorize.mockReturnValue(false)
    expect((await handle(new Request('http://localhost/atp'))).status).toBe(401)
  })
})
