import { expect, it } from 'vitest'
import { LegacyApps } from '../../../src/compat/legacy-apps.ts'
import { makeCall } from '../../support/make-call.ts'

type Event = 'start' | 'action' | 'close'

const call = (id: string, event: Event, sessionId = 's', data?: unknown) =>
  makeCall({ id, app: { sessionId, event, ...(data === undefined ? {} : { data }) }, params: { a: 1 } }).call

const read = (text: string) => JSON.parse(text) as { message_type: string; payload: Record<string, unknown> }

it('sends a call that is of no session as any other, with its token only for a tool that declares auth', () => {
  const apps = new LegacyApps()
  const { call: plain } = makeCall({ authToken: 'secret', params: { a: 1 } })
  expect(read(apps.encode(plain))).toEqual({
    message_type: 'atp_tool_request',
    payload: { request_id: 'call-1', tool_name: 'tool', params: { a: 1 } },
  })
  Object.assign(plain.tool, { auth: { type: 'OAuth2', provider: 'github', with: null } })
  expect(read(apps.encode(plain)).payload).toMatchObject({ auth_token: 'secret' })
})

it('names a session by the call that opened it, and knows which call is answered by that name', () => {
  const apps = new LegacyApps()
  expect(read(apps.encode(call('1', 'start')))).toMatchObject({ message_type: 'atp_app_request' })
  expect(apps.callOf('1')).toBe('1')
  expect(read(apps.encode(call('2', 'action', 's', { x: 1 })))).toEqual({
    message_type: 'atp_app_action',
    payload: { request_id: '1', action_data: { x: 1 } },
  })
  expect(apps.callOf('1')).toBe('2')
  expect(read(apps.encode(call('3', 'close')))).toEqual({
    message_type: 'atp_app_terminate',
    payload: { request_id: '1' },
  })
  expect(apps.callOf('1')).toBeUndefined()
})

it('forgets the oldest of a thousand sessions for a new one', () => {
  const apps = new LegacyApps()
  for (let i = 0; i <= 1_000; i += 1) apps.encode(call(`call-${i}`, 'start', `s${i}`))
  expect(apps.callOf('call-0')).toBeUndefined()
  expect(apps.callOf('call-1')).toBe('call-1')
  expect(apps.callOf('call-1000')).toBe('call-1000')
})
