import { AtpError, type ToolkitOptions } from '@atp/core'
import type { Type } from '@nestjs/common'

/** What a toolkit tells of itself, and how its tools run, beside its name. */
export type AtpToolkitOptions = Omit<ToolkitOptions, 'appName'>

/** What {@link AtpToolkit} keeps with a class. */
export interface ToolkitMetadata {
  readonly appName: string
  readonly options: AtpToolkitOptions
}

const toolkitKey = Symbol.for('atp.nest.toolkit')

/**
 * Makes the methods with `@AtpTool` of a provider class the tools of a toolkit. Where a toolkit of that name is among
 * the `clients` of its AtpModule, they become tools of that one, which then has all options.
 * @example @AtpToolkit('orders', { caption: 'Looks up and cancels orders' })
 */
export function AtpToolkit(appName: string, options: AtpToolkitOptions = {}): ClassDecorator {
  return (target) => {
    if (typeof appName !== 'string' || appName === '') {
      throw new AtpError('invalid_name', `@AtpToolkit on ${target.name} needs the toolkit's name as its first argument`)
    }
    Reflect.defineMetadata(toolkitKey, { appName, options } satisfies ToolkitMetadata, target)
  }
}

/** What the class, or one that it extends, was decorated with. */
export function toolkitOf(type: Type): ToolkitMetadata | undefined {
  return Reflect.getMetadata(toolkitKey, type)
}
