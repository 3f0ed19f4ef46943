import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { echoJson } from '../../src/load/echo.ts'
import { echoSchema, holdsKey, maxBodyBytes } from '../../src/load/echo-route.ts'
import { checkRoute } from '../../src/systems/check-route.ts'

interface Answer {
  status: number
  body: string
  type?: string
}

type Route = (authorization: string | undefined, body: string) => Answer

const json = 'application/json; charset=utf-8'

/** What every route by hand and our own do. */
const rightRoute: Route = (authorization, body) => {
  if (!holdsKey(authorization)) return { status: 401, body: '{}' }
  if (Buffer.byteLength(body) > maxBodyBytes) return { status: 413, body: '{}' }
  try {
    return { status: 200, body: JSON.stringify({ result: echoSchema.parse(JSON.parse(body)) }) }
  } catch {
    return { status: 400, body: '{}' }
  }
}

const cleanUp: (() => unknown)[] = []
afterEach(() => {
  for (const close of cleanUp.splice(0)) close()
})

async function serve(route: Route): Promise<number> {
  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString()
    const answer = route(request.headers.authorization, body)
    response.writeHead(answer.status, { 'content-type': answer.type ?? json }).end(answer.body)
  }).listen(0, '127.0.0.1')
  cleanUp.push(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A route that does what is right, but for what `differs` says otherwise. */
function differing(differs: (authorization: string | undefined, body: string) => Answer | undefined): Route {
  return (authorization, body) => differs(authorization, body) ?? rightRoute(authorization, body)
}

const accepted: Answer = { status: 200, body: `{"result":${echoJson}}` }

describe('checkRoute', () => {
  it('takes a route that answers and refuses as ours does', async () => {
    const port = await serve(rightRoute)
    await checkRoute(port, 'ours')
    await checkRoute(port, 'hand')
  })

  it.each([
    ['another result', (): Answer => ({ status: 200, body: '{"result":{"text":"hello","n":2}}' }), 'not what was sent'],
    ['another status', (): Answer => ({ ...accepted, status: 201 }), 'not what was sent'],
    ['another type', (): Answer => ({ ...accepted, type: 'text/plain' }), 'An echo came as "text/plain"'],
  ])('refuses a route that answers with %s', async (_what, answer, message) => {
    await expect(checkRoute(await serve(answer), 'bare')).rejects.toThrow(message)
  })

  it.each<[string, string, Route]>([
    [
      'a wrong key',
      'a wrong key with 200 instead of 401',
      differing((key) => (key?.endsWith('x') ? accepted : undefined)),
    ],
    ['no key', 'no key with 200 instead of 401', differing((key) => (key === '' ? accepted : undefined))],
    [
      'malformed JSON',
      'malformed JSON with 500 instead of 400',
      differing((_key, body) => (body.endsWith(':') ? { status: 500, body: '' } : undefined)),
    ],
    [
      'a wrong type',
      'a wrong type with 200 instead of 400',
      differing((_key, body) => (body.includes('"one"') ? accepted : undefined)),
    ],
    [
      'a large body',
      'a large body with 200 instead of 413',
      differing((_key, body) => (body.length > maxBodyBytes ? accepted : undefined)),
    ],
  ])('refuses a route by hand that takes %s otherwise', async (_what, message, route) => {
    const port = await serve(route)
    await expect(checkRoute(port, 'hand')).rejects.toThrow(`It answers ${message}`)
    await expect(checkRoute(port, 'ours')).rejects.toThrow(message)
  })

  it('asks no refusals of the bare route', async () => {
    await checkRoute(await serve(() => accepted), 'bare')
  })
})
