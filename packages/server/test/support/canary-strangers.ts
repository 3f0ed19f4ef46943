import type { Canaries } from './canaries.ts'
import type { CanaryRecorder } from './canary-recorder.ts'
import type { StoryKeys } from './canary-story.ts'

/** A refusal may name to its sender what is refused, such as an origin. Keys are never repeated to anybody. */
const strangerOnly = ['stranger']

/** What comes without a good key, or by no good way. */
export async function playStrangers(canaries: Canaries, recorder: CanaryRecorder, keys: StoryKeys): Promise<void> {
  let wrongKeys = 0
  const wrong = (kind: string): string => {
    wrongKeys += 1
    return `atp_${kind}_${canaries.text(`wrong ${kind} key ${wrongKeys}`, [], 49)}`
  }
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
  const process = '/api/v1/atp/llm-client/process/'
  const token = canaries.text('token beside a wrong key')
  const bodies: unknown[] = [
    { api_key: wrong('llm'), auth_token: token },
    `{"api_key":"${wrong('llm')}","auth_token":"${token}`,
  ]
  for (const body of bodies) {
    await recorder.post('stranger', 'a call with a wrong key', process, body, bearer(wrong('llm')))
    await recorder.post('stranger', 'a call with a wrong ApiKey', process, body, {
      authorization: `ApiKey ${wrong('llm')}`,
    })
    await recorder.post('stranger', 'a call with a key in its body', process, body)
    for (const path of ['register_tool', 'toolkit/verify_hash', 'toolkit/verify_tool_hash', 'execute_function']) {
      await recorder.post('stranger', `a legacy ${path}`, `/api/v1/${path}`, body)
    }
  }
  for (const path of ['/keys', '/toolkits', '/calls', `/keys/${canaries.text('id in an address')}`]) {
    await recorder.http('stranger', `admin ${path.split('/')[1]}`, `/api/v2${path}?api_key=${wrong('admin')}`, {
      headers: bearer(wrong('admin')),
    })
  }
  for (const key of [wrong('toolkit'), encodeURIComponent(wrong('toolkit')).replaceAll('_', '%5F'), keys.toolkitKey]) {
    const who = key === keys.toolkitKey ? 'bystander' : 'stranger'
    await recorder.http(who, 'a key in a path', `/api/v2/nothing/${key}/`)
    await recorder.post(who, 'a respond to no inbox', `/api/v1/toolkit/${key}/inbox/answer`, {
      response: canaries.text('response'),
    })
    for (const path of ['toolkit-client', 'llm-client', 'nothing']) {
      const socket = await recorder.socket(who, 'a legacy socket', {
        path: `/ws/v1/atp/${path}/${key}/` as '/ws/v2/llm',
        hello: false,
      })
      socket?.send({ type: 'auth', api_key: wrong('llm') })
      socket?.send({
        type: 'tool_response',
        request_id: canaries.text('id of a legacy answer', [who]),
        result: canaries.text('legacy answer'),
      })
    }
  }
  const hello = await recorder.peer('stranger', { path: '/ws/v2/llm', hello: false })
  hello.send({
    type: 'hello',
    protocol: 2,
    capabilities: [],
    instance_id: canaries.text('instance'),
    api_key: wrong('llm'),
  })
  await hello.closed
  const early = await recorder.peer('stranger', { path: '/ws/v2/toolkit', hello: false })
  early.send({ type: 'call', auth_token: canaries.text('token before hello'), request_id: 'x', params: {} })
  await early.closed
  await recorder.socket('stranger', 'a handshake', { path: '/ws/v2/llm', key: wrong('llm') })
  const origin = `https://${canaries.text('origin', strangerOnly)}.example`
  await recorder.socket('stranger', 'a handshake of a page', {
    path: '/ws/v2/llm',
    key: keys.llmKey,
    headers: { origin },
  })
  await recorder.post('stranger', 'a request of a page', process, {}, { origin, ...bearer(keys.llmKey) })
  await playRaw(canaries, recorder, keys, wrong)
}

/** HTTP that no client sends. */
async function playRaw(canaries: Canaries, recorder: CanaryRecorder, keys: StoryKeys, wrong: (kind: string) => string) {
  const end = '\r\n\r\n'
  const host = `Host: ${new URL(recorder.url).host}\r\nConnection: close\r\nAuthorization: Bearer ${keys.llmKey}`
  const path = '/api/v1/atp/llm-client/process/'
  const requests: Record<string, string> = {
    'no HTTP': `${wrong('llm')}${end}`,
    'a broken method': `${canaries.text('method')} / HTTP/1.1\r\n${host}${end}`,
    'a broken header': `GET / HTTP/1.1\r\n${host}\r\n${canaries.text('broken header')}${end}`,
    'too many headers': `GET /?${canaries.text('query before too many headers')} HTTP/1.1\r\n${host}\r\nX: ${canaries.text('large header').repeat(800)}${end}`,
    'a foreign host': `GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: ${canaries.text('host', strangerOnly)}${end}`,
    'a broken escape': `GET /%zz${canaries.text('address with a broken escape')} HTTP/1.1\r\n${host}${end}`,
    'another expectation': `GET / HTTP/1.1\r\n${host}\r\nExpect: ${canaries.text('expectation')}${end}`,
    CONNECT: `CONNECT ${canaries.text('target')}:443 HTTP/1.1\r\n${host}${end}`,
    'a broken chunk': `POST ${path} HTTP/1.1\r\n${host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked${end}${canaries.text('chunk of a body')}\r\n`,
    'a type nobody reads': `POST ${path} HTTP/1.1\r\n${host}\r\nContent-Type: text/${canaries.text('content type')}\r\nContent-Length: 2${end}{}`,
    'a body too large': `POST ${path} HTTP/1.1\r\n${host}\r\nContent-Type: application/json\r\nContent-Length: 9999999${end}${canaries.text('start of a body too large')}`,
  }
  for (const [what, text] of Object.entries(requests)) await recorder.raw('stranger', what, text)
}
