import fc from 'fast-check'
import { fillFrame } from './frames.ts'

/** What generated frames name, so that most of them get past the first check. */
export interface LegacyFuzzTarget {
  toolkitId: string
  /** A tool with the parameter `value`. */
  tool: string
  toolkitKey: string
  llmKey: string
}

/** Frames and bodies that are nearly what the Python SDK sends: one member or another is junk, missing or too many. */
export interface LegacyFrames {
  /** What a toolkit sends on its socket: texts, most of them JSON. */
  toolkitSocket: fc.Arbitrary<string>
  /** What an LLM client sends on its socket; each object has the `request_id` it is given. */
  llmSocket(requestId: string): fc.Arbitrary<Record<string, unknown>>
  /** Bodies of `process/`; likewise. */
  process(requestId: string): fc.Arbitrary<Record<string, unknown>>
  registerTool: fc.Arbitrary<unknown>
  verifyHash: fc.Arbitrary<unknown>
  verifyToolHash: fc.Arbitrary<unknown>
  inboxRespond: fc.Arbitrary<unknown>
  executeFunction: fc.Arbitrary<unknown>
}

type Members = Record<string, unknown>

/** Names and values that have broken parsers before. */
const junk: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, '', ' ', '\u0000', '\ud800', '🙂', '__proto__', 'constructor'],
    ...['toString', '../..', '%2e%2e', "'; drop table tools; --", '{"function": "echo"}', '[]', '{', 'null'],
    ...[[], {}, [[]], { function: {} }, { toJSON: 1 }, { length: -1 }, [null]],
    ...['x'.repeat(300), Array.from({ length: 200 }, (_, at) => at), nested(40), nested(70)],
  ),
)

/** A JSON object whose members are junk under the names of the wire. */
const junkObject = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('function', 'parameters', 'arguments', 'auth_token', 'value', '__proto__')),
  junk,
  { maxKeys: 5 },
)

/** Makes generators of nearly valid legacy frames and bodies. */
export function legacyFrames(target: LegacyFuzzTarget): LegacyFrames {
  const { toolkitId, tool, toolkitKey, llmKey } = target
  const common = { toolkit_id: toolkitId, tool, params: { value: 'x' }, token: null, user_prompt: '', key: llmKey }
  const llmFrame = (requestId: string): fc.Arbitrary<Members> => {
    const slots = { ...common, request_id: requestId, provider: 'openai', call_id: 'c', arguments: '{"value": 1}' }
    const tasks = ['0.1.4', '0.1.6', '0.1.8', '0.2.1', '0.2.2'].map((version) =>
      fillFrame(`llm-task-${version}`, slots),
    )
    const text = fillFrame('llm-task-0.1.2', { ...slots, payload: JSON.stringify({ function: tool, parameters: {} }) })
    const contexts = ['0.1.2', '0.1.5', '0.2.2'].map((version) => fillFrame(`llm-get-context-${version}`, slots))
    return fc
      .oneof(
        { weight: 3, arbitrary: damaged(...tasks, text) },
        { weight: 2, arbitrary: damaged(...contexts) },
        {
          weight: 2,
          arbitrary: fc.tuple(damaged(...tasks), payload(tool)).map(([task, put]) => ({ ...task, payload: put })),
        },
      )
      .map((frame) => ({ ...frame, request_id: requestId }))
  }
  const toolkitFrame = fc.oneof(
    damaged(fillFrame('toolkit-tool-response', { request_id: 'unknown', result: { any: 'thing' } })),
    damaged({ type: 'app_response', request_id: 'unknown', result: {} }, { type: 'register', tools: [] }),
    junkObject,
  )
  const register = { key: toolkitKey, app_name: toolkitId, tool: 'fuzzed', code_hash: 'c', toolkit_hash: 'h' }
  const metadata = { params: ['a'], required_params: ['a'], description: 'd', sample_response: '', source_code: 'def' }
  const auth = { auth_provider: null, auth_type: null, auth_with: null }
  const registrations = ['gen1', 'gen2'].map((generation) => {
    return fillFrame(`http-register-tool-${generation}`, { ...register, ...metadata, ...auth })
  })
  const keyed = (frame: string, slots: Members): Members => fillFrame(frame, { ...slots, key: toolkitKey })
  return {
    toolkitSocket: fc.oneof(
      { weight: 6, arbitrary: toolkitFrame.map((frame) => JSON.stringify(frame)) },
      fc.json(),
      fc.string(),
      // Python writes these, though they are no JSON.
      fc.constantFrom('{"type": "tool_response", "request_id": "r", "result": NaN}', '{"type": "tool_response"', ''),
    ),
    llmSocket: llmFrame,
    process: llmFrame,
    registerTool: fc.oneof(
      { weight: 4, arbitrary: damagedDeep('metadata', ...registrations) },
      { weight: 1, arbitrary: junk },
    ),
    verifyHash: fc.oneof(
      { weight: 4, arbitrary: damaged(keyed('http-verify-hash', { app_name: toolkitId, toolkit_hash: 'h' })) },
      { weight: 1, arbitrary: junk },
    ),
    verifyToolHash: fc.oneof(
      { weight: 4, arbitrary: damaged(keyed('http-verify-tool-hash', { tool_hash: 'c', tool: 'fuzzed' })) },
      { weight: 1, arbitrary: junk },
    ),
    inboxRespond: fc.oneof(
      { weight: 4, arbitrary: damaged(fillFrame('http-inbox-respond', { request_id: 'unknown', response: 1 })) },
      { weight: 1, arbitrary: junk },
    ),
    executeFunction: fc.oneof(
      { weight: 4, arbitrary: damaged(fillFrame('http-execute-function', { exchange_token: 'x', result: 1, tool })) },
      { weight: 1, arbitrary: junk },
    ),
  }
}

/** One of the frames, whole or with members replaced, removed or added. */
function damaged(...frames: readonly Members[]): fc.Arbitrary<Members> {
  return fc.constantFrom(...frames).chain((frame) => {
    const names = Object.keys(frame)
    return fc
      .record({
        replaced: fc.dictionary(fc.constantFrom(...names), junk, { maxKeys: 2 }),
        removed: fc.subarray(names, { maxLength: 2 }),
        added: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, junkObject),
        whole: fc.boolean(),
      })
      .map(({ replaced, removed, added, whole }) => {
        // The type decides which answer is due: it stays, apart from junk that came by another way.
        const kept = Object.entries(frame).filter(([name]) => whole || name === 'type' || !removed.includes(name))
        const type = 'type' in frame ? { type: frame.type } : {}
        return { ...(whole ? {} : added), ...Object.fromEntries(kept), ...(whole ? {} : replaced), ...type }
      })
  })
}

/** As {@link damaged}, in one of its members as well. */
function damagedDeep(member: string, ...frames: readonly Members[]): fc.Arbitrary<Members> {
  return fc.constantFrom(...frames).chain((frame) =>
    fc.oneof(
      damaged(frame),
      damaged(frame[member] as Members).map((inner) => ({ ...frame, [member]: inner })),
    ),
  )
}

/** What `task_request` carries, in any release's form and none. */
function payload(tool: string): fc.Arbitrary<unknown> {
  const call = damaged(
    { function: tool, parameters: {} },
    { id: 'c', function: tool, arguments: '{}', type: 'function' },
  )
  return fc.oneof(
    call,
    call.map((each) => JSON.stringify(each)),
    junk,
    junkObject,
    fc.string(),
  )
}

function nested(depth: number): unknown {
  let value: unknown = 'deep'
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value }
  return value
}
