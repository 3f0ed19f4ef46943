import { AtpError, ToolError } from '@atp/core'
import { type CanActivate, type ExecutionContext, HttpException, Logger, type Type } from '@nestjs/common'
import type { ContextId, ModuleRef } from '@nestjs/core'
import { isObservable, lastValueFrom } from 'rxjs'
import type { ToolProvider } from './tool-provider.ts'

/** A guard as `@UseGuards` takes it. */
export type ToolGuard = Type<CanActivate> | CanActivate

const guardsKey = '__guards__'

/** Decorators of Nest that do nothing for a tool, by where Nest keeps what they say. */
const unusedDecorators = {
  __interceptors__: '@UseInterceptors',
  __pipes__: '@UsePipes',
  __exceptionFilters__: '@UseFilters',
} as const

/**
 * The guards of a tool, those of its class first.
 * @throws AtpError `invalid_config` when class or method carry what would silently not run
 */
export function guardsOf(provider: ToolProvider, method: string): ToolGuard[] {
  const { type } = provider
  const carriers: [object, string][] = [
    [type, type.name],
    [type.prototype[method], `${type.name}.${method}`],
  ]
  for (const [carrier, where] of carriers) {
    for (const [key, decorator] of Object.entries(unusedDecorators)) {
      if (!Reflect.hasMetadata(key, carrier)) continue
      throw new AtpError(
        'invalid_config',
        `${where} carries ${decorator}, which does not run for tools; take it away, or apply it in the method itself`,
      )
    }
  }
  const guards = carriers.flatMap(
    ([carrier]) => (Reflect.getMetadata(guardsKey, carrier) as ToolGuard[] | undefined) ?? [],
  )
  const lost = guards.find((guard) => typeof guard === 'function' && !provider.canResolve(guard))
  if (lost === undefined) return guards
  throw new AtpError(
    'invalid_config',
    `${type.name}.${method} has guard ${(lost as Type).name}, which Nest makes only for classes; provide ${type.name} itself, or the guard beside it`,
  )
}

/**
 * Asks the guards in their order.
 * @throws ToolError when one says no or fails; a message of its own reaches the caller only from an HttpException
 */
export async function askGuards(
  guards: readonly ToolGuard[],
  moduleRef: ModuleRef,
  contextId: ContextId,
  context: ExecutionContext,
): Promise<void> {
  for (const guard of guards) {
    const instance =
      typeof guard === 'function' ? await moduleRef.resolve<CanActivate>(guard, contextId, { strict: true }) : guard
    if (!(await verdict(instance, context))) throw new ToolError('Forbidden resource')
  }
}

async function verdict(guard: CanActivate, context: ExecutionContext): Promise<boolean> {
  try {
    const answer = guard.canActivate(context)
    return await (isObservable(answer) ? lastValueFrom(answer) : answer)
  } catch (error) {
    if (error instanceof HttpException) throw new ToolError(error.message, { cause: error })
    new Logger('ATP').error(`Guard ${guard.constructor.name} failed`, error instanceof Error ? error.stack : error)
    throw new ToolError('A guard of this tool failed', { cause: error })
  }
}
