import { AtpError, createRegistry, type Toolkit, type ToolkitRegistry } from '@atp/core'
import { type AtpHandler, createAtpHandler, toRegistry } from '@atp/core/http'
import type { AtpModuleOptions } from './atp-module-options.ts'
import { nestLogger } from './logging/nest-logger.ts'

/** What one AtpModule serves, and where. */
export class AtpMount {
  /** What precedes `/atp`, below the app's global prefix: empty, or with a slash at its start and none at its end. */
  readonly path: string
  readonly utcpPath: string | undefined
  readonly options: AtpModuleOptions
  readonly registry: MountRegistry
  readonly handle: AtpHandler
  /** The routes below `path`, as they are registered on the platform. */
  routes: readonly string[] = []
  /** Whether a tool needs to know the request that its call came with. */
  needsOrigin = false

  /** @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict` */
  constructor(options: AtpModuleOptions) {
    const { clients = [], logger = nestLogger('ATP') } = options
    this.options = options
    this.path = cleanPath(options.path)
    this.utcpPath = options.utcpPath === false ? undefined : cleanPath(options.utcpPath ?? '/utcp')
    this.registry = new MountRegistry(toRegistry(clients))
    this.handle = createAtpHandler(this.registry, { ...options, logger })
  }
}

/** The toolkits an app gave, followed by those made of its providers; the app's own registry stays as it is. */
export class MountRegistry implements ToolkitRegistry {
  readonly #given: ToolkitRegistry
  readonly #made = createRegistry()

  constructor(given: ToolkitRegistry) {
    this.#given = given
  }

  registerClient(name: string, client: Toolkit): void {
    // Refuses a name that cannot stand in a path.
    toRegistry(client)
    this.#made.registerClient(name, client)
  }

  getClient(name: string): Toolkit | undefined {
    return this.#given.getClient(name) ?? this.#made.getClient(name)
  }

  *[Symbol.iterator](): Iterator<[string, Toolkit]> {
    yield* this.#given
    yield* this.#made
  }
}

/** A path with a slash at its start and none at its end; empty for the root. @throws AtpError `invalid_config` */
export function cleanPath(path: string | undefined): string {
  const clean = (path ?? '').replace(/^\/+|\/+$/g, '')
  if (/^([\w.~-]+(\/[\w.~-]+)*)?$/.test(clean)) return clean === '' ? '' : `/${clean}`
  throw new AtpError('invalid_config', `AtpModule: "${path}" is no path such as "/shop"`)
}
