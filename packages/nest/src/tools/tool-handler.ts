import type { ToolContext, ToolHandler } from '@atp/core'
import { callOrigin } from '../http/call-origin.ts'
import { callContextId } from './call-context-id.ts'
import { ToolExecutionContext } from './execution-context.ts'
import { askGuards, type ToolGuard } from './tool-guards.ts'
import type { ToolProvider } from './tool-provider.ts'

type Method = (this: unknown, args: unknown, context: ToolContext) => unknown

/** Makes a tool's handler of a provider's method: called on the instance that Nest made, after its guards said yes. */
export function createToolHandler(
  provider: ToolProvider,
  method: string,
  guards: readonly ToolGuard[],
): ToolHandler<unknown> {
  if (provider.isStatic && guards.length === 0) {
    const { instance } = provider
    return (args, context) => (instance[method] as Method).call(instance, args, context)
  }
  return (args, context) => runInScope(provider, method, guards, args, context)
}

/**
 * A generator, whatever the method is: what that returns is only known when its instance is there, and a promise of a
 * generator would not stream.
 */
async function* runInScope(
  provider: ToolProvider,
  method: string,
  guards: readonly ToolGuard[],
  args: unknown,
  context: ToolContext,
): AsyncGenerator<unknown, unknown, undefined> {
  const { moduleRef, type } = provider
  const origin = callOrigin.getStore()
  const contextId = callContextId(origin, context, moduleRef, provider.isDurable)
  const instance = await provider.resolve(contextId)
  if (guards.length > 0) {
    // What the caller sent stands last: a guard that takes the first argument for a request must not read it.
    const guarded = origin === undefined ? [context, args] : [origin.request, origin.response, undefined, args]
    const how = origin === undefined ? 'atp' : 'http'
    await askGuards(guards, moduleRef, contextId, new ToolExecutionContext(how, guarded, type, type.prototype[method]))
  }
  const returned = await (instance[method] as Method).call(instance, args, context)
  if (isAsyncGenerator(returned)) return yield* returned
  // A generator that returns nothing means the list of its yields; the method meant nothing.
  return returned ?? null
}

function isAsyncGenerator(value: unknown): value is AsyncGenerator<unknown, unknown, undefined> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value
}
