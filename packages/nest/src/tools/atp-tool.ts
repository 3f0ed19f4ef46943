import { AtpError, type defineTool, type ParamsForm, type ToolDefinition } from '@atp/core'
import type { Type } from '@nestjs/common'

/** What a method with {@link AtpTool} must be: its first parameter takes what `params` lets through. */
export type AtpToolMethod<Params extends ParamsForm, Required extends readonly string[]> = Parameters<
  typeof defineTool<Params, Required>
>[1]

/** A decorator for methods whose parameters fit the definition. */
export type AtpToolDecorator<Params extends ParamsForm, Required extends readonly string[]> = <
  Method extends AtpToolMethod<Params, Required>,
>(
  prototype: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void

const toolKey = Symbol.for('atp.nest.tool')

/**
 * Makes a method of a provider class a tool of the class's toolkit. It is called with `(args, context)`, on the
 * instance that Nest made.
 * @param definition what `registerTool` takes; the name is the method's unless given
 * @throws AtpError `invalid_config` on what is not an ordinary method
 * @example @AtpTool({ description: 'Finds an order', params: z.object({ id: z.string() }) })
 */
export function AtpTool<
  const Params extends ParamsForm = undefined,
  const Required extends readonly string[] = readonly never[],
>(definition: ToolDefinition<Params, Required>): AtpToolDecorator<Params, Required> {
  return (prototype, method, descriptor) => {
    const where = `${className(prototype)}.${String(method)}`
    if (typeof prototype === 'function' || typeof method === 'symbol' || typeof descriptor?.value !== 'function') {
      throw new AtpError('invalid_config', `@AtpTool on ${where}: a tool is a method of instances with a name in text`)
    }
    if (Reflect.hasOwnMetadata(toolKey, prototype, method)) {
      throw new AtpError('invalid_config', `@AtpTool stands twice on ${where}; a method is one tool`)
    }
    // With the class rather than with the function, which other decorators may replace.
    Reflect.defineMetadata(toolKey, definition, prototype, method)
    Reflect.defineMetadata(toolKey, true, prototype)
  }
}

/** Whether methods of the class, or of one that it extends, were decorated. */
export function hasTools(type: Type): boolean {
  return Reflect.hasMetadata(toolKey, type.prototype)
}

/** What a method was decorated with, in the class or in one that it extends. */
export function toolOf(type: Type, method: string): ToolDefinition | undefined {
  return Reflect.getMetadata(toolKey, type.prototype, method)
}

function className(prototype: object): string {
  return typeof prototype === 'function' ? prototype.name : prototype.constructor.name
}
