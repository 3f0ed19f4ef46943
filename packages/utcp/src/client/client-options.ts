import { type Logger, silentLogger } from '@atp/core'
import type { PluginTypes } from '../config/read-config.ts'
import { UtcpError } from '../errors/utcp-error.ts'
import type { RetryOptions } from '../execution/retry.ts'
import type { AuthParser, CallTemplateParser } from '../model/template-reader.ts'
import type { CommunicationProtocol, ProtocolFactory } from '../protocol/communication-protocol.ts'
import type { VariableSubstitutor } from '../variables/variable-substitutor.ts'

/** What a client is made with beside its configuration. Nothing of it is shared between clients. */
export interface UtcpClientOptions extends PluginTypes {
  /** How tools are reached. Those made by a factory are closed with the client; objects are shared and are not. */
  readonly protocols?: readonly (CommunicationProtocol | ProtocolFactory)[]
  /** Read types of call templates that UTCP does not name. */
  readonly callTemplateParsers?: readonly CallTemplateParser[]
  /** Read types of auth that UTCP does not name. */
  readonly authParsers?: readonly AuthParser[]
  readonly variableSubstitutor?: VariableSubstitutor
  /** The last source of variables. @default the process's own, where there is one; `{}` shuts it out */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Whether a variable is also looked for without its manual's namespace. @default false */
  readonly bareVariableNames?: boolean
  /** What relative paths of files are relative to. */
  readonly rootDir?: string
  /** @default silent */
  readonly logger?: Logger
  /** The time of one call with all its tries, in milliseconds; streams have none unless the call says so. @default 120_000 */
  readonly timeoutMs?: number
  /** The time of one discovery, in milliseconds. @default 60_000 */
  readonly discoveryTimeoutMs?: number
  /** How many calls run at once. @default 64 */
  readonly maxConcurrency?: number
  /** How many calls may wait for their turn; more fail with `busy`. @default 1_024 */
  readonly maxQueued?: number
  /** The most a protocol may read of one answer, in bytes. @default 5 MiB */
  readonly maxResponseBytes?: number
  /** Failed calls that may be repeated without harm are. `{ attempts: 0 }` turns it off. */
  readonly retry?: RetryOptions
  /** Whether arguments are checked against a tool's `inputs`. @default true */
  readonly validateInput?: boolean
  /** Whether results are checked against a tool's `outputs`; pieces of streams are not. @default false */
  readonly validateOutput?: boolean
  /**
   * After how many milliseconds a manual is looked at again, unless its server said how long it holds. It happens beside
   * the next call or search, which does not wait for it. @default never
   */
  readonly manualTtlMs?: number
  /**
   * Refuses tools that are not what they were: `true` remembers each tool as first seen by this client; an object says
   * what they were, as `client.pins()` returned it. A changed tool is not found and not called until it is accepted.
   * @default false
   */
  readonly pins?: boolean | Readonly<Record<string, string>>
}

/** {@link UtcpClientOptions} with their defaults. */
export interface ClientSettings {
  readonly logger: Logger
  readonly rootDir: string | undefined
  readonly timeoutMs: number
  readonly discoveryTimeoutMs: number
  readonly maxConcurrency: number
  readonly maxQueued: number
  readonly maxResponseBytes: number
  readonly retry: RetryOptions
  readonly validateInput: boolean
  readonly validateOutput: boolean
  readonly manualTtlMs: number | undefined
}

/** The longest wait that timers take. */
const maxTimerMs = 2_147_483_647

/** Fills in the defaults. @throws UtcpError `invalid_config` that names the option */
export function toSettings(options: UtcpClientOptions): ClientSettings {
  const number = (name: keyof UtcpClientOptions, fallback: number, min: number): number => {
    const value = options[name] ?? fallback
    if (typeof value === 'number' && value >= min && value <= maxTimerMs) return value
    throw new UtcpError('invalid_config', `${name} must be a number from ${min} to ${maxTimerMs}`, { path: name })
  }
  return {
    logger: options.logger ?? silentLogger,
    rootDir: options.rootDir,
    timeoutMs: number('timeoutMs', 120_000, 1),
    discoveryTimeoutMs: number('discoveryTimeoutMs', 60_000, 1),
    maxConcurrency: number('maxConcurrency', 64, 1),
    maxQueued: number('maxQueued', 1_024, 0),
    maxResponseBytes: number('maxResponseBytes', 5 * 1_048_576, 1),
    retry: options.retry ?? {},
    validateInput: options.validateInput ?? true,
    validateOutput: options.validateOutput ?? false,
    manualTtlMs: options.manualTtlMs === undefined ? undefined : number('manualTtlMs', 0, 0),
  }
}

/** The environment of the process on platforms that have one. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } }
  return process?.env ?? {}
}
