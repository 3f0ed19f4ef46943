import type { Canaries } from './canaries.ts'
import type { CanaryRecorder } from './canary-recorder.ts'
import { type RawPeer, wireTool } from './raw-peer.ts'

/** The keys of the server under test. */
export interface StoryKeys {
  adminKey: string
  llmKey: string
  toolkitKey: string
}

// The explicit list of what may be where. What a toolkit says of itself is stored and shown to its project; it still
// has no place in a log. Everything else reaches the one peer it is for, or the one that sent it.
const project = ['toolkit', 'bystander', 'caller', 'admin', 'files']
const toolkitOnly = ['toolkit']
const callerOnly = ['caller']
const adminOnly = ['admin']

/** Peers that are connected while everything else happens. */
export interface Stage {
  toolkit: RawPeer
  caller: RawPeer
  bystander: RawPeer
}

/** Connects a toolkit that answers every call with secrets, two LLM clients, and another toolkit. */
export async function setStage(canaries: Canaries, recorder: CanaryRecorder, keys: StoryKeys): Promise<Stage> {
  const { text: toolkitKey } = await createKey(canaries, recorder, keys.adminKey, 'toolkit', 'victim')
  const toolkit = await recorder.peer('toolkit', { path: '/ws/v2/toolkit', key: toolkitKey })
  const auth = { auth_provider: 'github', auth_type: 'OAuth2', auth_with: 'access_token' }
  toolkit.send({
    type: 'register',
    request_id: canaries.text('id of a registration', toolkitOnly),
    toolkit_hash: canaries.text('hash of a toolkit', ['toolkit', 'files']),
    caption: canaries.text('caption', project),
    instructions: canaries.text('instructions', project),
    tools: [
      wireTool('echo', { description: canaries.text('description', project) }),
      wireTool('authed', auth),
      wireTool('fails'),
      wireTool('hang'),
      wireTool(canaries.text('name of a tool', project)),
      { name: `${canaries.text('name of a refused tool', toolkitOnly)} !`, description: 'x' },
    ],
  })
  await toolkit.next((frame) => frame.type === 'registered')
  answerCalls(canaries, toolkit)
  const bystander = await recorder.peer('bystander', { path: '/ws/v2/llm', key: keys.llmKey })
  await recorder.peer('other toolkit', { path: '/ws/v2/toolkit', key: keys.toolkitKey, hello: { app_name: 'other' } })
  const caller = await recorder.peer('caller', { path: '/ws/v2/llm', hello: { api_key: keys.llmKey } })
  return { toolkit, caller, bystander }
}

/** Every call is answered with progress, a chunk and a result or an error, all of them secret. */
function answerCalls(canaries: Canaries, toolkit: RawPeer): void {
  const progress = canaries.text('progress', callerOnly)
  const chunk = canaries.text('chunk', callerOnly)
  const result = canaries.text('result', callerOnly)
  const message = canaries.text('message of a tool’s error', callerOnly)
  const detail = canaries.text('detail of a tool’s error', callerOnly)
  const late = canaries.text('late result')
  toolkit.socket.on('message', (data) => {
    const frame = JSON.parse(data.toString()) as { type: string; request_id: string; tool: string }
    if (frame.type !== 'call' || frame.tool === 'hang') return
    const { request_id } = frame
    const error = { code: 'tool_error', message, retryable: false, details: { detail } }
    toolkit.send({ type: 'ack', request_id })
    toolkit.send({ type: 'progress', request_id, progress })
    toolkit.send({ type: 'chunk', request_id, sequence: 0, data: chunk })
    toolkit.send({
      type: 'result',
      request_id,
      ...(frame.tool === 'fails' ? { ok: false, error } : { ok: true, result }),
    })
    toolkit.send({ type: 'result', request_id, ok: true, result: late })
  })
}

/** What LLM clients send over their sockets and over HTTP, well formed and not. */
export async function playCalls(
  canaries: Canaries,
  recorder: CanaryRecorder,
  { caller, toolkit }: Stage,
  keys: StoryKeys,
): Promise<void> {
  for (const tool of ['echo', 'authed', 'fails']) {
    const request_id = canaries.text(`id of a call of ${tool}`, callerOnly)
    caller.send({
      type: 'call',
      request_id,
      toolkit_id: 'victim',
      tool,
      params: { x: canaries.text(`argument of ${tool}`, toolkitOnly), auth_token: 1 },
      auth_token: canaries.text(`token for ${tool}`, tool === 'authed' ? toolkitOnly : []),
      _meta: { traceparent: canaries.text(`trace of ${tool}`, toolkitOnly) },
    })
    await caller.next((frame) => frame.type === 'result' && frame.request_id === request_id)
    // The same once more, as a call that is stored and streamed.
    const stored_id = canaries.text(`id of a stored call of ${tool}`, callerOnly)
    caller.send({
      type: 'call',
      request_id: stored_id,
      toolkit_id: 'victim',
      tool,
      params: { x: canaries.text(`stored argument of ${tool}`, toolkitOnly) },
      auth_token: canaries.text(`stored token for ${tool}`, tool === 'authed' ? toolkitOnly : []),
      _meta: { traceparent: canaries.text(`stored trace of ${tool}`, toolkitOnly) },
      idempotency_key: canaries.text(`idempotency key of ${tool}`),
      external_user_id: canaries.text(`user of ${tool}`),
      stream: true,
    })
    await caller.next((frame) => frame.type === 'result' && frame.request_id === stored_id)
    const body = (id: string) => ({
      type: 'task_request',
      request_id: id,
      toolkit_id: 'victim',
      user_prompt: canaries.text('prompt of a legacy call'),
      api_key: keys.llmKey,
      payload: {
        function: tool,
        parameters: { x: canaries.text(`legacy argument of ${tool}`, toolkitOnly) },
        auth_token: canaries.text(`legacy token for ${tool}`, tool === 'authed' ? toolkitOnly : []),
      },
    })
    const headers = {
      authorization: `ApiKey ${keys.llmKey}`,
      cookie: `session=${canaries.text('cookie')}`,
      'user-agent': canaries.text('user agent'),
      'x-atp-auth-token': canaries.text('token in a header'),
    }
    const path = `/api/v1/atp/llm-client/process/?api_key=${keys.llmKey}&token=${canaries.text('query')}`
    await recorder.post(
      'caller',
      'a legacy call',
      path,
      body(canaries.text('id of a legacy call', callerOnly)),
      headers,
    )
  }
  const call = { type: 'call', toolkit_id: 'victim', tool: 'echo', params: {} }
  const frames: unknown[] = [
    { ...call, request_id: 'f1', toolkit_id: canaries.text('name of no toolkit', callerOnly) },
    { ...call, request_id: 'f2', tool: canaries.text('name of no tool', callerOnly) },
    { ...call, request_id: 'f3', params: canaries.text('argument that is no object') },
    { ...call, request_id: 'f4', provider: canaries.text('provider of a call', callerOnly) },
    { type: 'context', request_id: 'f5', toolkit_id: 'victim', user_prompt: canaries.text('prompt', callerOnly) },
    { type: 'context', request_id: 'f6', toolkit_id: 'victim', provider: canaries.text('no provider', callerOnly) },
    { type: canaries.text('type of a frame', callerOnly), request_id: 'f7' },
    { type: 'cancel', request_id: 'f8', reason: canaries.text('reason of a cancel') },
    {
      type: 'error',
      error: { code: canaries.text('code of an error'), message: canaries.text('message of an error') },
    },
    { ...call, request_id: 'f9', constructor: { prototype: canaries.text('dangerous member') } },
    `{"type":"call","auth_token":"${canaries.text('token in malformed JSON')}`,
    `{"type":"call","api_key":"${keys.llmKey}",}`,
    canaries.text('frame that is no JSON'),
  ]
  for (const frame of frames) caller.send(frame)
  caller.socket.send(Buffer.from(canaries.text('binary frame')))
  toolkit.send({
    type: 'error',
    error: { code: canaries.text('code from a toolkit'), message: canaries.text('error of a toolkit') },
  })
  toolkit.send({
    type: 'result',
    request_id: canaries.text('id of no call'),
    ok: true,
    result: canaries.text('result of no call'),
  })
  toolkit.send(`{"result":"${canaries.text('malformed result')}`)
  const huge = await recorder.peer('caller', { path: '/ws/v2/llm', key: keys.llmKey })
  huge.send({
    ...call,
    request_id: 'huge',
    auth_token: canaries.text('token in a frame too large'),
    x: 'x'.repeat(2_000_000),
  })
  await huge.closed
  caller.send({ type: 'call', request_id: 'last', toolkit_id: 'victim', tool: 'fails', params: {} })
  await caller.next((frame) => frame.type === 'result' && frame.request_id === 'last')
}

/** What an admin key sees and sends. */
export async function playAdmin(canaries: Canaries, recorder: CanaryRecorder, keys: StoryKeys): Promise<void> {
  const init = { headers: { authorization: `Bearer ${keys.adminKey}` } }
  const { id } = await createKey(
    canaries,
    recorder,
    keys.adminKey,
    'llm',
    canaries.text('name of a key', ['admin', 'files']),
  )
  await recorder.http('admin', 'the end of a key', `/api/v2/keys/${id}`, { ...init, method: 'DELETE' })
  for (const path of [
    '/keys',
    '/toolkits',
    '/toolkits/victim',
    '/toolkits/victim/tools',
    '/calls',
    `/calls?tool=${canaries.text('tool to look for')}`,
    `/calls?limit=${canaries.text('limit that is none')}`,
    `/calls/${canaries.text('id of no call in the log', adminOnly)}`,
    `/toolkits/${canaries.text('toolkit to look for', adminOnly)}`,
  ]) {
    await recorder.http('admin', `admin ${path.split(/[/?]/)[1]}`, `/api/v2${path}`, init)
  }
  const body = {
    kind: 'llm',
    [canaries.text('member of a new key', adminOnly)]: 1,
    name: canaries.text('refused name'),
  }
  await recorder.post('admin', 'a bad new key', '/api/v2/keys', body, init.headers)
}

/** Makes a key, which only the one who made it sees. */
export async function createKey(
  canaries: Canaries,
  recorder: CanaryRecorder,
  adminKey: string,
  kind: string,
  name: string,
) {
  const headers = { authorization: `Bearer ${adminKey}` }
  const { text } = await recorder.post('admin', 'a new key', '/api/v2/keys', { kind, name }, headers)
  const { id, key } = JSON.parse(text) as { id: string; key: string }
  canaries.watch(`key made for ${kind}`, key.slice(-49), adminOnly)
  return { id, text: key }
}
