import { describe, expect, it } from 'vitest'
import {
  compareFrame,
  fillFrame,
  frameNames,
  type LegacyTool,
  pythonJson,
  type SdkVersion,
  sdkVersions,
} from '../../src/legacy/index.ts'
import { Problems } from '../../src/legacy/legacy-break.ts'
import { contextMessage, taskMessage } from '../../src/legacy/llm/llm-messages.ts'
import { LegacyRegistration } from '../../src/legacy/toolkit/registration.ts'

const slots = {
  ...{ request_id: 'r', toolkit_id: 't', toolkit_name: 'n', tool: 'echo', params: {}, token: null, user_prompt: '' },
  ...{ call_id: 'c', provider: 'openai', key: 'k', arguments: {}, payload: '{}', result: 0, status: 'success' },
  ...{ message: 'm', error: 'e', caption: '', tools: [], properties: {}, required: [], description: '' },
  ...{ app_name: 'a', code_hash: 'c', toolkit_hash: 'h', tool_hash: 'h', up_to_date: true, exchange_token: 'x' },
  ...{ response: null, required_params: [], auth_provider: null, auth_type: null, auth_with: null },
  ...{ sample_response: '', source_code: 's', count: 0, page: 1, page_size: 1, next: null, previous: null },
  ...{ results: [], name: 'n', display_name: 'd', bio: '', toolkits: [] },
}

/** A frame with a value of the right kind in each slot. */
function filled(name: string): Record<string, unknown> {
  const params = name.startsWith('http-register-tool') ? [] : {}
  const token = /with-token|inbox-item/.test(name) ? 'secret' : null
  return fillFrame(name, { ...slots, params, token })
}

describe('the fixtures', () => {
  it.each(frameNames())('%s fits itself when its slots are filled', (name) => {
    expect(compareFrame(name, filled(name)).wrong).toEqual([])
  })

  it.each(frameNames())('%s does not fit when a member is missing', (name) => {
    const frame = filled(name)
    const [first = ''] = Object.keys(frame)
    expect(compareFrame(name, { ...frame, [first]: undefined }).wrong).not.toEqual([])
  })
})

describe('compareFrame', () => {
  const response = fillFrame('llm-task-response', { ...slots, result: { a: [1] } })

  it('gives what the slots held', () => {
    expect(compareFrame('llm-task-response', response).slots).toMatchObject({ tool: 'echo', result: { a: [1] } })
  })

  it('finds members that do not belong there, at any depth', () => {
    expect(compareFrame('llm-task-response', { ...response, more: 1 }).wrong).toEqual([
      'llm-task-response.more does not belong there',
    ])
    const deep = { ...response, payload: { result: { a: [1] }, more: 1 } }
    expect(compareFrame('llm-task-response', deep).wrong).toEqual([
      'llm-task-response.payload.more does not belong there',
    ])
  })

  it('finds a slot that has two values', () => {
    const two = { ...response, payload: { result: 'another' } }
    expect(compareFrame('llm-task-response', two).wrong).toEqual([
      'llm-task-response.result.tool.result differs from the other {result}',
    ])
  })

  it('finds wrong kinds and wrong constants', () => {
    expect(compareFrame('http-verified', { up_to_date: 1 }).wrong).toEqual(['http-verified.up_to_date is not boolean'])
    expect(compareFrame('llm-auth-accepted', { type: 'auth_response', success: false }).wrong).toEqual([
      'llm-auth-accepted.success is not true',
    ])
    expect(compareFrame('llm-auth-accepted', null).wrong).toEqual(['llm-auth-accepted is no object'])
  })
})

describe('what the peers send', () => {
  const head = (version: SdkVersion) => ({ version, requestId: 'r', apiKey: 'k' })
  const taskFrames: Partial<Record<SdkVersion, string>> = {
    ...{ '0.1.2': '0.1.2', '0.1.3': '0.1.2', '0.1.6': '0.1.6', '0.1.7': '0.1.6', '0.1.8': '0.1.8' },
    ...{ '0.2.0-early': '0.1.8', '0.2.0': '0.1.8', '0.2.1': '0.2.1' },
    ...{ '0.2.2': '0.2.2', '0.2.3': '0.2.2', '0.2.4': '0.2.2', '0.2.5': '0.2.2', '0.1.4': '0.1.4' },
  }

  it.each(Object.entries(taskFrames))('task_request of %s is the frame of %s', (version, frame) => {
    const message = taskMessage(head(version as SdkVersion), { toolkitId: 't', tool: 'echo' })
    expect(compareFrame(`llm-task-${frame}`, message).wrong).toEqual([])
  })

  it('puts a provider into task_request from 0.1.5 to 0.1.7 only', () => {
    const named = sdkVersions.filter(
      (version) => 'provider' in taskMessage(head(version), { toolkitId: 't', tool: 'e' }),
    )
    expect(named).toEqual(['0.1.5', '0.1.6', '0.1.7'])
  })

  it.each([
    ['0.1.2', '0.1.2'],
    ['0.1.4', '0.1.2'],
    ['0.1.5', '0.1.5'],
    ['0.2.1', '0.1.5'],
    ['0.2.2', '0.2.2'],
    ['0.2.5', '0.2.2'],
  ] as const)('get_toolkit_context of %s is the frame of %s', (version, frame) => {
    expect(compareFrame(`llm-get-context-${frame}`, contextMessage(head(version), { toolkitId: 't' })).wrong).toEqual(
      [],
    )
  })

  it('sends the payload of 0.1.2 as JSON text, and arguments as text on request', () => {
    const text = taskMessage(head('0.1.2'), { toolkitId: 't', tool: 'echo', params: { a: 'ü' } }).payload
    expect(JSON.parse(String(text))).toEqual({ function: 'echo', parameters: { a: 'ü' } })
    const request = { toolkitId: 't', tool: 'echo', params: { a: 1 }, argumentsAsText: true }
    expect(taskMessage(head('0.1.6'), request).payload).toMatchObject({ arguments: '{"a":1}', function: 'echo' })
  })

  it.each([
    ['0.1.0', 'gen1'],
    ['0.1.7', 'gen1'],
    ['0.2.0', 'gen2'],
    ['0.2.5', 'gen2'],
  ] as const)('register_tool of %s is the body of %s', async (version, generation) => {
    const body = await registration(version).body({ name: 'echo', params: ['a'], handler: () => 'sampled' })
    expect(compareFrame(`http-register-tool-${generation}`, JSON.parse(pythonJson(body))).wrong).toEqual([])
  })

  it('really runs a tool for its sample before 0.2.3, and sends an empty text since', async () => {
    const tool: LegacyTool = {
      name: 'echo',
      params: ['a'],
      handler: (params, token) => ({ params, token: token ?? null }),
    }
    const samples = await Promise.all(
      (['0.2.2', '0.2.3'] as const).map(async (version) => {
        return (await registration(version).body(tool)).metadata as { sample_response: unknown }
      }),
    )
    expect(samples.map(({ sample_response }) => sample_response)).toEqual([
      { params: { a: 'sample_value' }, token: 'sample_token' },
      '',
    ])
  })
})

describe('pythonJson', () => {
  it('writes JSON as Python does: with spaces, and in ASCII', () => {
    expect(pythonJson({ a: [1, 'ü🙂', null], b: undefined, c: {} })).toBe(
      '{"a": [1, "\\u00fc\\ud83d\\ude42", null], "c": {}}',
    )
  })

  it('can be read back', () => {
    const value = { 'größe "x"': ['\u2028', '\u0000', '\\', -1.5e-7, true, [], {}] }
    expect(JSON.parse(pythonJson(value))).toEqual(value)
  })
})

function registration(version: SdkVersion): LegacyRegistration {
  const baseUrl = 'http://127.0.0.1:1'
  return new LegacyRegistration({ baseUrl, apiKey: 'k', appName: 'a', version, problems: new Problems() })
}
