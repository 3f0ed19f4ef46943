import { describe, expectTypeOf, it } from 'vitest'
import { type CallPart, type DetachedCall, LLMClient, type PartIterator, type ToolCallPart } from '../../src/index.ts'

const llm = new LLMClient({ apiKey: 'k' })
const one = { toolkitId: 'demo', tool: 'f' }
const calls = { toolkitId: 'demo', toolCalls: [] }
const founding = { toolkits: ['demo'], jsonResponse: '' }

describe('what a call returns', () => {
  it('is its result, or its id with detach', () => {
    expectTypeOf(llm.call(one)).toEqualTypeOf<Promise<unknown>>()
    expectTypeOf(llm.call({ ...one, detach: false })).toEqualTypeOf<Promise<unknown>>()
    expectTypeOf(llm.call({ ...one, detach: true })).toEqualTypeOf<Promise<{ callId: string }>>()
  })

  it('is messages, the result in the founding form, or ids with detach', () => {
    expectTypeOf(llm.callTool(calls)).toEqualTypeOf<Promise<Record<string, unknown>[]>>()
    expectTypeOf(llm.callTool(founding)).toEqualTypeOf<Promise<{ result: unknown }>>()
    expectTypeOf(llm.callTool({ ...calls, detach: true })).toEqualTypeOf<Promise<DetachedCall[]>>()
    expectTypeOf(llm.callTool({ ...founding, detach: true })).toEqualTypeOf<Promise<DetachedCall[]>>()
  })

  it('is an iterator of parts when it is streamed', () => {
    expectTypeOf(llm.callStreaming(one)).toEqualTypeOf<PartIterator<CallPart>>()
    expectTypeOf(llm.callToolStreaming(calls)).toEqualTypeOf<PartIterator<ToolCallPart>>()
    expectTypeOf(llm.callToolStreaming(founding)).toEqualTypeOf<PartIterator<ToolCallPart<{ result: unknown }>>>()
  })
})

describe('a part', () => {
  it('is told apart by its type', () => {
    const read = (part: ToolCallPart): void => {
      expectTypeOf(part.toolCallId).toEqualTypeOf<string>()
      if (part.type === 'progress') expectTypeOf(part.progress).toBeUnknown()
      else if (part.type === 'chunk') expectTypeOf(part.sequence).toEqualTypeOf<number>()
      else expectTypeOf(part.message).toEqualTypeOf<Record<string, unknown>>()
    }
    expectTypeOf(read).toBeFunction()
  })

  it('of a detached call is an id or an error', () => {
    const read = (call: DetachedCall): void => {
      if (call.error) expectTypeOf(call.error.message).toEqualTypeOf<string>()
      else expectTypeOf(call.callId).toEqualTypeOf<string>()
    }
    expectTypeOf(read).toBeFunction()
  })
})

describe('a streamed call', () => {
  it('cannot be detached', () => {
    // @ts-expect-error a call that nobody waits for has no parts
    llm.callStreaming({ toolkitId: 'demo', tool: 'f', detach: true })
  })
})
