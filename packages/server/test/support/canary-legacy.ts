import type { Canaries } from './canaries.ts'
import type { CanaryRecorder } from './canary-recorder.ts'
import { createKey, type StoryKeys } from './canary-story.ts'
import type { RawPeerOptions } from './raw-peer.ts'

/*
 * The Python SDK's ways, with good keys where it puts them: in addresses and bodies. Its frames have no `hello`, and
 * those of the server name their type `message_type`.
 */

/** The peers of this part; what reaches one of them must not reach another. */
const toolkitOnly = ['legacy toolkit']
const callerOnly = ['legacy caller']
const shown = ['legacy toolkit', 'legacy caller', 'bystander', 'caller', 'admin', 'files']

/** A toolkit registers over HTTP and serves its socket, a client calls it over its own. */
export async function playLegacy(canaries: Canaries, recorder: CanaryRecorder, keys: StoryKeys): Promise<void> {
  const { text: key } = await createKey(canaries, recorder, keys.adminKey, 'toolkit', 'legacy')
  await register(canaries, recorder, key)
  const socket = async (who: string, path: string) =>
    recorder.peer(who, { path: path as RawPeerOptions['path'], hello: false })
  const toolkit = await socket('legacy toolkit', `/ws/v1/atp/toolkit-client/${key}/`)
  await toolkit.next((frame) => frame.message_type === 'atp_client_connected')
  const result = canaries.text('legacy result', callerOnly)
  const late = canaries.text('late legacy result')
  toolkit.socket.on('message', (data) => {
    const { payload } = JSON.parse(data.toString()) as { payload?: { request_id?: string } }
    if (payload?.request_id === undefined) return
    toolkit.send({ type: 'tool_response', request_id: payload.request_id, result })
    toolkit.send({ type: 'tool_response', request_id: payload.request_id, result: late })
  })
  const caller = await socket('legacy caller', `/ws/v1/atp/llm-client/${keys.llmKey}/`)
  caller.send({ type: 'auth', api_key: keys.llmKey })
  await caller.next((frame) => frame.type === 'auth_response')
  const request_id = canaries.text('id of a legacy socket call', callerOnly)
  caller.send({
    type: 'task_request',
    request_id,
    toolkit_id: 'legacy',
    user_prompt: canaries.text('prompt over a legacy socket'),
    api_key: keys.llmKey,
    payload: {
      function: 'charge',
      parameters: { x: canaries.text('argument over a legacy socket', toolkitOnly) },
      auth_token: canaries.text('token over a legacy socket', toolkitOnly),
    },
  })
  const answer = await caller.next((frame) => frame.type === 'task_response' && frame.request_id === request_id)
  if (!JSON.stringify(answer).includes(result)) throw new Error('the legacy call did not get its result')
  caller.send({ type: 'get_toolkit_context', request_id: 'context', toolkit_id: 'legacy', user_prompt: '' })
  await caller.next((frame) => frame.type === 'toolkit_context')
  caller.send(`{"type":"task_request","auth_token":"${canaries.text('token in malformed legacy JSON')}`)
  toolkit.send(`{"type":"tool_response","result":"${canaries.text('malformed legacy result')}`)
  const wrong = await socket('legacy caller', '/ws/v1/atp/llm-client/')
  wrong.send({ type: 'auth', api_key: `atp_llm_${canaries.text('wrong key of a legacy auth', [], 49)}` })
  await wrong.closed
}

/** The source text that the SDK sends along has no place anywhere. */
async function register(canaries: Canaries, recorder: CanaryRecorder, key: string): Promise<void> {
  const hash = canaries.text('legacy hash', ['files'])
  const { text } = await recorder.post('legacy toolkit', 'a registration', '/api/v1/register_tool', {
    function_id: 'charge',
    api_key: key,
    app_name: 'legacy',
    code_hash: canaries.text('legacy code hash', ['files']),
    toolkit_hash: hash,
    metadata: {
      params: ['x'],
      required_params: ['x'],
      description: canaries.text('legacy description', shown),
      auth_provider: 'stripe',
      auth_type: 'apiKey',
      auth_with: 'api_key',
      sample_response: canaries.text('sample response'),
      source_code: canaries.text('source code'),
    },
  })
  const { exchange_token: token } = JSON.parse(text) as { exchange_token: string }
  canaries.watch('exchange token', token, toolkitOnly)
  const verify = { api_key: key, app_name: 'legacy', toolkit_hash: hash }
  await recorder.post('legacy toolkit', 'a hash', '/api/v1/toolkit/verify_hash', verify)
  await recorder.http('legacy toolkit', 'an inbox', `/api/v1/toolkit/${key}/inbox`)
  const response = { request_id: canaries.text('id in an inbox'), response: canaries.text('response to an inbox') }
  await recorder.post('legacy toolkit', 'an answer', `/api/v1/toolkit/${key}/inbox/respond`, response)
  const result = { exchange_token: token, function_id: 'charge', result: canaries.text('result of an exchange') }
  for (let round = 0; round < 2; round += 1) {
    await recorder.post('legacy toolkit', 'an exchange', '/api/v1/execute_function', result)
  }
}
