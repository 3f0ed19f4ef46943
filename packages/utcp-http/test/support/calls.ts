import { silentLogger } from '@atp/core'
import type {
  CallContext,
  CallTemplate,
  CommunicationProtocol,
  DiscoveryContext,
  ManualDiscovery,
  ToolArguments,
  UtcpCaller,
} from '@atp/utcp'

/** The client, as far as a protocol sees it. */
export const caller: UtcpCaller = { rootDir: undefined, logger: silentLogger }

/** What a call gets beside its arguments; the manual is one that was written down here, unless said otherwise. */
export function callContext(template: CallTemplate, changes: Partial<CallContext> = {}): CallContext {
  return {
    ...{ signal: new AbortController().signal, timeoutMs: 30_000, maxResponseBytes: 1_048_576 },
    tool: { name: 'm.tool', description: '', inputs: {}, outputs: {}, tags: [], tool_call_template: template },
    manualCallTemplate: { name: 'm', call_template_type: 'text', content: '{}' },
    ...changes,
  }
}

/** What a discovery gets beside its template. */
export function discoveryContext(template: CallTemplate, changes: Partial<DiscoveryContext> = {}): DiscoveryContext {
  const { signal } = new AbortController()
  return {
    ...{ signal, timeoutMs: 30_000, maxResponseBytes: 1_048_576, declaredTemplate: template, validators: undefined },
    ...changes,
  }
}

export function call(
  protocol: CommunicationProtocol,
  template: CallTemplate,
  args: ToolArguments = {},
  changes: Partial<CallContext> = {},
): Promise<unknown> {
  return protocol.callTool(caller, 'm.tool', args, template, callContext(template, changes))
}

export async function stream(
  protocol: CommunicationProtocol,
  template: CallTemplate,
  args: ToolArguments = {},
  changes: Partial<CallContext> = {},
): Promise<unknown[]> {
  const pieces: unknown[] = []
  const context = callContext(template, changes)
  for await (const piece of protocol.callToolStreaming(caller, 'm.tool', args, template, context)) pieces.push(piece)
  return pieces
}

export function discover(
  protocol: CommunicationProtocol,
  template: CallTemplate,
  changes: Partial<DiscoveryContext> = {},
): Promise<ManualDiscovery> {
  return protocol.registerManual(caller, template, discoveryContext(template, changes))
}
