import { invokeTool, type Toolkit } from '@atp/core'
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

/** Runs a tool as every door of ATP does. */
export async function run(
  toolkit: Toolkit,
  name: string,
  args: unknown = {},
  options: Partial<Parameters<typeof invokeTool>[2]> = {},
): Promise<{ ok: boolean; result?: unknown; error?: unknown }> {
  const tool = toolkit.registeredTools.get(name)
  if (tool === undefined) throw new Error(`no tool ${name}`)
  const { exposeErrors } = toolkit.settings
  const outcome = await invokeTool(tool, args, { callId: 'c', exposeErrors, ...options })
  return outcome.ok ? { ok: true, result: JSON.parse(outcome.json) } : outcome
}
