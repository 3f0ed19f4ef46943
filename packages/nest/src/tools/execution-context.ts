import type { ExecutionContext, Type } from '@nestjs/common'

type HttpHost = ReturnType<ExecutionContext['switchToHttp']>
type RpcHost = ReturnType<ExecutionContext['switchToRpc']>
type WsHost = ReturnType<ExecutionContext['switchToWs']>

/** What guards of a tool are told of a call. */
export class ToolExecutionContext implements ExecutionContext {
  readonly #type: string
  readonly #args: readonly unknown[]
  readonly #class: Type
  // biome-ignore lint/complexity/noBannedTypes: Nest's own type of a handler
  readonly #handler: Function

  /**
   * @param type `http` with the request and the response as arguments; else `atp` with the tool's context and arguments
   */
  // biome-ignore lint/complexity/noBannedTypes: Nest's own type of a handler
  constructor(type: 'http' | 'atp', args: readonly unknown[], toolClass: Type, handler: Function) {
    this.#type = type
    this.#args = args
    this.#class = toolClass
    this.#handler = handler
  }

  getType<Context extends string>(): Context {
    return this.#type as Context
  }

  // biome-ignore lint/suspicious/noExplicitAny: as Nest declares it
  getClass<T = any>(): Type<T> {
    return this.#class
  }

  // biome-ignore lint/complexity/noBannedTypes: Nest's own type of a handler
  getHandler(): Function {
    return this.#handler
  }

  // biome-ignore lint/suspicious/noExplicitAny: as Nest declares it
  getArgs<T extends any[] = any[]>(): T {
    return [...this.#args] as T
  }

  // biome-ignore lint/suspicious/noExplicitAny: as Nest declares it
  getArgByIndex<T = any>(index: number): T {
    return this.#args[index] as T
  }

  switchToHttp(): HttpHost {
    return {
      getRequest: () => this.getArgByIndex(0),
      getResponse: () => this.getArgByIndex(1),
      getNext: () => this.getArgByIndex(2),
    }
  }

  switchToRpc(): RpcHost {
    return { getData: () => this.getArgByIndex(0), getContext: () => this.getArgByIndex(1) }
  }

  switchToWs(): WsHost {
    return {
      getClient: () => this.getArgByIndex(0),
      getData: () => this.getArgByIndex(1),
      getPattern: () => this.getArgByIndex(this.#args.length - 1),
    }
  }
}
