import { AtpError } from '../errors/atp-error.ts'
import { type Logger, silentLogger } from '../logging/logger.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import { createRegistry, type ToolkitRegistry } from '../registry/toolkit-registry.ts'
import type { Principal, Tool } from '../tool/tool.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { SignatureVerifier } from './call-signature.ts'
import { CallSlots } from './call-slots.ts'
import type { AtpRequest } from './http-messages.ts'

/** What can be mounted: one toolkit, several, or a registry, whose later registrations are served too. */
export type ToolkitSource = Toolkit | readonly Toolkit[] | ToolkitRegistry

/**
 * Who may run tools. A call that a server signed needs a valid signature instead of a key; where this is a function, both.
 * - `'public'`: everybody.
 * - `'host'`: whoever the app's own guards let through.
 * - `{ keys }`: who sends one of them as `Authorization: Bearer KEY`.
 * - a function: asked for every request, metadata included: only a request with method POST would run `tool`. False is
 *   401; what it throws is answered like any error, an `AtpError('forbidden', …)` as 403.
 */
export type Authorize<Native = unknown> =
  | 'public'
  | 'host'
  | { readonly keys: readonly string[] }
  | ((request: AtpRequest<Native>, tool?: Tool) => boolean | Principal | Promise<boolean | Principal>)

/**
 * How toolkits are mounted.
 * @typeParam Native the framework's own request or context, as `authorize` and `env` get it.
 */
export interface AtpHttpOptions<Native = unknown> {
  /** Who may run tools. @default the toolkit's own `apiKey`; a toolkit without one is closed */
  authorize?: Authorize<Native> | undefined
  /** Where the UTCP manual is served; `false` for nowhere. @default '/utcp' */
  utcpPath?: string | false | undefined
  /**
   * The address under which the mount is reached from outside, with what precedes `/atp`, such as
   * `https://example.com/api`. @default what the request says
   */
  publicUrl?: string | undefined
  /** The title of the OpenAPI document. @default the names of the toolkits */
  title?: string | undefined
  /** The version that the OpenAPI document and the UTCP manual tell. @default '1.0.0' */
  version?: string | undefined
  /** Makes what tools see as `context.env`. @default the toolkit's own `env` */
  env?: ((native: Native) => unknown) | undefined
  /**
   * How many calls run at once in this mount; more are answered 429. A handler that outlives its deadline counts until
   * it ends, at most 15 minutes.
   * @default 1_024
   */
  maxConcurrency?: number | undefined
  /** @default the toolkit's own logger */
  logger?: Logger | undefined
  /** Makes a span of each call, such as `openTelemetry()` of `@atp/core/otel`. @default the toolkit's own `tracing` */
  tracing?: Tracing | undefined
}

/** Options as the routes use them, checked once. */
export interface Mount<Native> {
  readonly registry: ToolkitRegistry
  readonly authorize: Authorize<Native> | undefined
  /** Begins with a slash and has none at its end. */
  readonly utcpPath: string | undefined
  /** Has no slash at its end. */
  readonly publicUrl: string | undefined
  readonly title: string | undefined
  readonly version: string
  readonly env: ((native: Native) => unknown) | undefined
  readonly maxConcurrency: number
  /** Held by handlers that have not ended, abandoned ones included. */
  readonly slots: CallSlots
  readonly signatures: SignatureVerifier
  readonly logger: Logger | undefined
  readonly tracing: Tracing | undefined
}

/** @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict` */
export function createMount<Native>(source: ToolkitSource, options: AtpHttpOptions<Native>): Mount<Native> {
  const maxConcurrency = readConcurrency(options.maxConcurrency)
  return {
    registry: toRegistry(source),
    authorize: checkAuthorize(options.authorize),
    utcpPath: readUtcpPath(options.utcpPath),
    publicUrl: readPublicUrl(options.publicUrl),
    title: options.title,
    version: options.version ?? '1.0.0',
    env: options.env,
    maxConcurrency,
    slots: new CallSlots(maxConcurrency),
    signatures: new SignatureVerifier(),
    logger: options.logger,
    tracing: options.tracing,
  }
}

/**
 * The registry that a source stands for.
 * @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict`
 */
export function toRegistry(source: ToolkitSource): ToolkitRegistry {
  if (typeof source !== 'object' || source === null) throw noSource()
  if ('getClient' in source) {
    for (const [name] of source) checkRouteName(name)
    return source
  }
  const registry = createRegistry()
  for (const toolkit of Array.isArray(source) ? source : [source as Toolkit]) {
    if (typeof toolkit?.appName !== 'string' || !(toolkit.registeredTools instanceof Map)) throw noSource()
    checkRouteName(toolkit.appName)
    if (registry.getClient(toolkit.appName) !== undefined) {
      throw new AtpError('toolkit_name_conflict', `Two toolkits are called "${toolkit.appName}"; mount them apart`)
    }
    registry.registerClient(toolkit.appName, toolkit)
  }
  return registry
}

/** Where a mount logs: as its options say, else where its toolkits do. */
export function loggerOf<Native>({ logger, registry }: Mount<Native>, toolkit: Toolkit | undefined): Logger {
  if (logger !== undefined) return logger
  const [first] = toolkit === undefined ? [...registry].map(([, each]) => each) : [toolkit]
  return first?.settings.logger ?? silentLogger
}

function noSource(): AtpError {
  return new AtpError(
    'invalid_config',
    'Mount a Toolkit, a ToolKitClient, a list of them, or a registry of createRegistry()',
  )
}

/** Rule I3: others would never be found, as no path that holds them is looked at. */
function checkRouteName(name: string): void {
  if (isRouteName(name)) return
  throw new AtpError(
    'invalid_name',
    `Toolkit "${name}" cannot stand in a path; register it under another name: createRegistry().registerClient('my-name', toolkit)`,
  )
}

/** Whether a name can be one segment of a path. */
export function isRouteName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[/\\\0-\x1f]/.test(name) || !name.isWellFormed()) return false
  return name !== '' && name !== '.' && name !== '..' && name !== 'openapi.json'
}

function checkAuthorize<Native>(authorize: Authorize<Native> | undefined): Authorize<Native> | undefined {
  if (authorize === undefined || authorize === 'public' || authorize === 'host' || typeof authorize === 'function') {
    return authorize
  }
  const keys: unknown = (authorize as { keys?: unknown } | null)?.keys
  if (Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === 'string' && key.length >= 8)) {
    return authorize
  }
  // An empty text among the keys, such as an unset variable, would let everybody in or nobody.
  throw new AtpError(
    'invalid_config',
    `authorize must be 'public', 'host', { keys } with keys of at least 8 characters, or a function`,
  )
}

function readUtcpPath(path: string | false | undefined): string | undefined {
  if (path === false) return undefined
  const chosen = path ?? '/utcp'
  if (typeof chosen === 'string' && /^(\/[\w.~-]+)+\/?$/.test(chosen) && !/^\/atp(\/|$)/.test(chosen)) {
    return chosen.replace(/\/$/, '')
  }
  throw new AtpError('invalid_config', `utcpPath must be a path such as "/utcp", outside "/atp", or false`)
}

function readPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === ''
  ) {
    return url.href.replace(/\/+$/, '')
  }
  throw new AtpError('invalid_config', 'publicUrl must be an http or https address without a query')
}

function readConcurrency(value: number | undefined): number {
  if (value === undefined) return 1_024
  if (Number.isInteger(value) && value >= 1) return value
  throw new AtpError('invalid_config', 'maxConcurrency must be a whole number from 1')
}
