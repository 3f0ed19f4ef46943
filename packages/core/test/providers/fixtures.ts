import type { ToolDescriptor } from '../../src/protocol/tool-descriptor.ts'
import type { ParsedToolCall, ToolCallResult } from '../../src/providers/provider-format.ts'

/** A tool as a registry would hand it to a format. */
export function describedTool(name: string, overrides: Partial<ToolDescriptor> = {}): ToolDescriptor {
  return {
    name,
    description: `Does ${name}`,
    inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    auth: null,
    annotations: {},
    tags: [],
    ...overrides,
  }
}

/** A call that was read without trouble. */
export function readCall(overrides: Partial<ParsedToolCall> = {}): ParsedToolCall {
  return { id: 'call_1', name: 'search', args: {}, error: undefined, form: 'plain', ...overrides }
}

/** Answers each call: unreadable ones with their error, as a client does, others with their own arguments. */
export function answerAll(calls: readonly ParsedToolCall[]): ToolCallResult[] {
  return calls.map((call) => ({
    call,
    outcome:
      call.args === undefined
        ? { ok: false, error: { code: 'invalid_params', message: call.error ?? '', retryable: false } }
        : { ok: true, result: call.args },
  }))
}
