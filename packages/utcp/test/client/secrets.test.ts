import { describe, expect, it } from 'vitest'
import { UtcpClient } from '../../src/index.ts'
import { FakeProtocol, manualOf, toolOf } from '../support/fake-protocol.ts'

describe('logs and errors', () => {
  it('never hold values of variables, arguments or results', async () => {
    const lines: string[] = []
    const log = (event: string, fields?: Record<string, unknown>): void =>
      void lines.push(event, JSON.stringify(fields))
    const auth = { auth_type: 'api_key', api_key: 'Bearer $KEY' }
    const inputs = { type: 'object', properties: { n: { type: 'number' } } }
    const remote = { type: 'object', properties: { n: { $ref: 'https://elsewhere.example' } } }
    const tools = [
      toolOf('a', { inputs, tool_call_template: { call_template_type: 'fake', auth } }),
      toolOf('b', { inputs: remote }),
      toolOf('', {}),
    ]
    const protocol = new FakeProtocol(({ fail }: { fail?: boolean }) => {
      if (fail) throw new Error('down')
      return manualOf(tools)
    })
    protocol.answer = ({ args }) => (args.fail ? Promise.reject(new Error('no')) : 'sesame-result')
    const client = await UtcpClient.create(
      {
        variables: { m_KEY: 'sesame-variable' },
        manual_call_templates: [
          { name: 'm', call_template_type: 'fake', auth: { auth_type: 'basic', username: 'u', password: '$KEY' } },
          {
            name: 'x',
            call_template_type: 'fake',
            auth: { auth_type: 'basic', username: 'u', password: 'sesame-literal' },
            fail: true,
          },
        ],
      },
      { protocols: [protocol], logger: { debug: log, info: log, warn: log, error: log }, pins: true },
    )
    for (const { errors } of client.initialRegistrations) lines.push(...errors)
    const attempts = [
      client.callTool('m.a', { n: 'sesame-argument' }),
      client.callTool('m.a', { fail: true, secret: 'sesame-argument' }),
      client.callTool('m.b', { n: 'sesame-argument' }),
      client.callTool('m.c', { n: 'sesame-argument' }),
      client.registerManual({
        name: 'm',
        call_template_type: 'fake',
        auth: { auth_type: 'magic', key: 'sesame-literal' },
      }),
      client.registerManual({ name: 'y', call_template_type: 'fake', password: '$MISSING sesame-literal' }),
    ]
    for (const attempt of await Promise.allSettled(attempts)) {
      if (attempt.status === 'rejected') lines.push(String(attempt.reason), JSON.stringify(attempt.reason))
    }
    expect(lines.length).toBeGreaterThan(10)
    expect(lines.join('\n')).not.toContain('sesame')
    expect(JSON.stringify(client.pins())).not.toContain('sesame')
  })
})
