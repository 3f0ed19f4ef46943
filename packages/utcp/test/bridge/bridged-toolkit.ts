import { UtcpClient, type UtcpClientOptions } from '../../src/index.ts'
import { FakeProtocol, manualOf } from '../support/fake-protocol.ts'

/** A client with one manual `m` of the fake protocol, whose tools a test may change. */
export async function clientOf(
  tools: readonly unknown[],
  options: UtcpClientOptions = {},
): Promise<{ client: UtcpClient; protocol: FakeProtocol; setTools: (tools: readonly unknown[]) => void }> {
  let current = tools
  const protocol = new FakeProtocol(() => manualOf(current), ['fake', 'http', 'sse', 'streamable_http'])
  const client = await UtcpClient.create(
    {
      manual_call_templates: [
        {
          ...{ name: 'm', call_template_type: 'fake' },
          allowed_communication_protocols: ['fake', 'http', 'sse', 'streamable_http', 'graphql', 'text'],
        },
      ],
    },
    { protocols: [protocol], retry: { attempts: 0 }, ...options },
  )
  return {
    ...{ client, protocol },
    setTools(next) {
      current = next
    },
  }
}
