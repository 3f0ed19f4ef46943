import type {
  CallContext,
  CallTemplate,
  CommunicationProtocol,
  DiscoveryContext,
  ManualDiscovery,
  ToolArguments,
  UtcpCaller,
} from '../../src/index.ts'

/** What a {@link FakeProtocol} saw. */
export interface SeenCall {
  readonly toolName: string
  readonly args: ToolArguments
  readonly template: CallTemplate
  readonly context: CallContext
}

type Answer<T> = T | ((...args: never[]) => T)

/** A protocol without a network: its manuals and answers are what a test says. */
export class FakeProtocol implements CommunicationProtocol {
  readonly callTemplateTypes: readonly string[]
  readonly discoveries: { template: CallTemplate; context: DiscoveryContext }[] = []
  readonly calls: SeenCall[] = []
  readonly deregistered: string[] = []
  closed = 0
  /** By the manual's name, or for all. */
  discover: (template: CallTemplate, context: DiscoveryContext) => Promise<ManualDiscovery> | ManualDiscovery
  answer: (call: SeenCall) => unknown = ({ args }) => args
  stream: (call: SeenCall) => AsyncIterable<unknown> = async function* (call) {
    yield call.args
  }
  onClose: () => Promise<void> | void = () => {}
  onDeregister: () => Promise<void> | void = () => {}
  idempotent = false

  constructor(manual: Answer<unknown> = manualOf([]), types: readonly string[] = ['fake']) {
    this.callTemplateTypes = types
    this.discover = async (template) => ({
      manual: await (typeof manual === 'function' ? manual(template as never) : manual),
    })
  }

  async registerManual(_: UtcpCaller, template: CallTemplate, context: DiscoveryContext): Promise<ManualDiscovery> {
    this.discoveries.push({ template, context })
    return this.discover(template, context)
  }

  async deregisterManual(_: UtcpCaller, { name = '' }: CallTemplate): Promise<void> {
    this.deregistered.push(name)
    await this.onDeregister()
  }

  async callTool(
    _: UtcpCaller,
    toolName: string,
    args: ToolArguments,
    template: CallTemplate,
    context: CallContext,
  ): Promise<unknown> {
    const call = { toolName, args, template, context }
    this.calls.push(call)
    return this.answer(call)
  }

  callToolStreaming(
    _: UtcpCaller,
    toolName: string,
    args: ToolArguments,
    template: CallTemplate,
    context: CallContext,
  ): AsyncIterable<unknown> {
    const call = { toolName, args, template, context }
    this.calls.push(call)
    return this.stream(call)
  }

  isIdempotent(): boolean {
    return this.idempotent
  }

  async close(): Promise<void> {
    this.closed += 1
    await this.onClose()
  }
}

/** A manual of tools, as JSON that came over a wire. */
export function manualOf(tools: readonly unknown[], more: Record<string, unknown> = {}): unknown {
  return { utcp_version: '1.0.1', manual_version: '1.0.0', tools, ...more }
}

/** A tool of the fake protocol. */
export function toolOf(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name,
    description: `Does ${name}`,
    inputs: { type: 'object', properties: {} },
    outputs: {},
    tags: ['fake'],
    tool_call_template: { call_template_type: 'fake' },
    ...more,
  }
}
