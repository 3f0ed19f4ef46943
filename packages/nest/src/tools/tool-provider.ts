import type { ToolDefinition } from '@atp/core'
import type { Type } from '@nestjs/common'
import { type ContextId, type DiscoveryService, type MetadataScanner, ModuleRef } from '@nestjs/core'
import { hasTools, toolOf } from './atp-tool.ts'
import { type ToolkitMetadata, toolkitOf } from './atp-toolkit.ts'

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number]

/** A method that is a tool. */
export interface ToolMethod {
  readonly method: string
  readonly definition: ToolDefinition
}

/** A provider of the app with a toolkit's or tools' decorators. */
export class ToolProvider {
  readonly type: Type
  readonly #wrapper: Wrapper

  private constructor(type: Type, wrapper: Wrapper) {
    this.type = type
    this.#wrapper = wrapper
  }

  /** Undefined for providers without such decorators, and for second names of other providers. */
  static of(wrapper: Wrapper): ToolProvider | undefined {
    if (wrapper.isAlias) return undefined
    const type = classOf(wrapper)
    if (type === undefined || !(hasTools(type) || toolkitOf(type) !== undefined)) return undefined
    return new ToolProvider(type, wrapper)
  }

  get toolkit(): ToolkitMetadata | undefined {
    return toolkitOf(this.type)
  }

  get moduleName(): string {
    return this.#wrapper.host?.name ?? 'a module'
  }

  /** Whether one instance serves all calls. */
  get isStatic(): boolean {
    return this.#wrapper.isDependencyTreeStatic() && !this.#wrapper.isTransient
  }

  /** Whether instances outlive requests, by a strategy of the app. */
  get isDurable(): boolean {
    return this.#wrapper.isDependencyTreeDurable()
  }

  /** The one instance of a static provider. */
  get instance(): Record<string, unknown> {
    return this.#wrapper.instance
  }

  /** The module that holds the provider, as Nest lets one ask it. */
  get moduleRef(): ModuleRef {
    return this.#wrapper.host?.getProviderByKey<ModuleRef>(ModuleRef).instance as ModuleRef
  }

  /** Whether the module can make a guard. Nest prepares guards of classes that it makes itself, not of what factories make. */
  canResolve(type: Type): boolean {
    const { host } = this.#wrapper
    return host?.injectables.has(type) === true || host?.providers.has(type) === true
  }

  /** The instance for a call, made by Nest where the provider is not static. */
  resolve(contextId: ContextId): Promise<Record<string, unknown>> {
    return this.moduleRef.resolve(this.#wrapper.token, contextId, { strict: true })
  }

  methods(scanner: MetadataScanner): ToolMethod[] {
    return scanner.getAllMethodNames(this.type.prototype).flatMap((method) => {
      const definition = toolOf(this.type, method)
      return definition === undefined ? [] : [{ method, definition }]
    })
  }
}

/** The class behind a provider: its own, or that of the instance which a factory made. */
function classOf(wrapper: Wrapper): Type | undefined {
  if (!wrapper.isNotMetatype) return wrapper.metatype as Type
  const { instance, token } = wrapper
  const made: unknown =
    typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance)?.constructor : token
  return typeof made === 'function' && made.prototype !== undefined ? (made as Type) : undefined
}
