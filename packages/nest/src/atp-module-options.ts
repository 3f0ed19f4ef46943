import type { AtpHttpOptions, ToolkitSource } from '@atp/core'
import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common'

/**
 * How an {@link AtpModule} serves toolkits.
 * @typeParam Native the platform's request, Express's or Fastify's, as `authorize` and `env` get it.
 */
export interface AtpModuleOptions<Native = unknown> extends AtpHttpOptions<Native> {
  /** Toolkits made in code: one, a list, or a registry, whose later registrations are served too. @default none */
  clients?: ToolkitSource | undefined
  /**
   * The provider classes with `@AtpToolkit` that this module serves. Needed where an app imports several AtpModules.
   * @default all that no other AtpModule names
   */
  toolkits?: readonly Type[] | undefined
  /** Whether the `ToolKitClient`s among `clients` connect to their server while the app runs. @default false */
  connect?: boolean | undefined
  /** What precedes `/atp` in the path, below the app's global prefix, such as `/shop`. @default '' */
  path?: string | undefined
}

/** How an {@link AtpModule} gets its options from other providers. */
export interface AtpModuleAsyncOptions<Native = unknown> extends Pick<ModuleMetadata, 'imports'> {
  /** As in {@link AtpModuleOptions}: here, as Nest maps routes before the factory runs. @default '' */
  path?: string | undefined
  /** As in {@link AtpModuleOptions}: here, as Nest maps routes before the factory runs. @default '/utcp' */
  utcpPath?: string | false | undefined
  /** What the factory's parameters are. @default none */
  inject?: FactoryProvider['inject'] | undefined
  // biome-ignore lint/suspicious/noExplicitAny: Nest types the parameters of factories so; `inject` says what they are
  useFactory: (...dependencies: any[]) => FactoryOptions<Native> | Promise<FactoryOptions<Native>>
}

/** The options that a factory may give. */
export type FactoryOptions<Native> = Omit<AtpModuleOptions<Native>, 'path' | 'utcpPath'>
