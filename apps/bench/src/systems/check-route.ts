import { echoJson, echoParams } from '../load/echo.ts'
import { checkEchoAnswer, echoKey, echoPath, maxBodyBytes, type RouteKind } from '../load/echo-route.ts'

/**
 * Tries a route before it is measured: each kind answers the echo alike, and what ours refuses, the one by hand
 * refuses with the same status; otherwise the two would not do the same job.
 * @throws Error telling what was answered otherwise
 */
export async function checkRoute(port: number, kind: RouteKind): Promise<void> {
  const url = `http://127.0.0.1:${port}${echoPath}`
  const send = (body: string, authorization = `Bearer ${echoKey}`): Promise<Response> =>
    fetch(url, { method: 'POST', body, headers: { authorization, 'content-type': 'application/json' } })

  const answer = await send(echoJson)
  checkEchoAnswer({ status: answer.status, body: await answer.text() })
  const contentType = answer.headers.get('content-type') ?? ''
  if (!contentType.startsWith('application/json')) throw new Error(`An echo came as "${contentType}"`)
  if (kind === 'bare') return
  for (const [what, status, body, authorization] of refusals) {
    const response = await send(body, authorization)
    await response.arrayBuffer()
    if (response.status !== status) throw new Error(`It answers ${what} with ${response.status} instead of ${status}`)
  }
}

const refusals: readonly [what: string, status: number, body: string, authorization?: string][] = [
  ['a wrong key', 401, echoJson, `Bearer ${echoKey.slice(0, -1)}x`],
  ['no key', 401, echoJson, ''],
  ['malformed JSON', 400, '{"text":'],
  ['a wrong type', 400, JSON.stringify({ ...echoParams, n: 'one' })],
  ['a large body', 413, JSON.stringify({ ...echoParams, text: 'x'.repeat(maxBodyBytes) })],
]
