import type { LegacyTool } from '../toolkit/legacy-tool.ts'
import type { WireFrame } from '../wire-socket.ts'
import type { LegacyHubOptions } from './legacy-hub.ts'
import type { Scene } from './scene.ts'

/** One sentence of the reference, and how to see whether it holds. */
export interface Sentence {
  /** Section and promise; also the name under which a deviation is declared. */
  readonly says: string
  /** What the hub has to be started with; with it, or `ownHub`, the test has a hub of its own. */
  readonly hub?: LegacyHubOptions
  /** Needs a hub of its own, because it restarts or strains it. */
  readonly ownHub?: true
  /** How long it may take, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number
  run(scene: Scene): Promise<void>
}

/** Returns its argument `value`. */
export const echo: LegacyTool = { name: 'echo', params: ['value'], handler: ({ value }) => value ?? null }

/** Needs `first` and `second`. */
export const join: LegacyTool = {
  name: 'join',
  params: ['first', 'second', 'third'],
  requiredParams: ['first', 'second'],
  handler: ({ first, second }) => `${first} ${second}`,
}

/** Needs a token and tells which one it got; its list of parameters names the token, as the founding examples do. */
export const whoami: LegacyTool = {
  name: 'whoami',
  params: ['auth_token', 'detail'],
  requiredParams: ['auth_token'],
  auth: { provider: 'hubspot', type: 'OAuth2', with: 'access_token' },
  handler: (params, authToken) => ({ token: authToken ?? null, params }),
}

/** Tells whether it got a token, although it asked for none. */
export const open: LegacyTool = {
  name: 'open',
  params: [],
  handler: (params, authToken) => ({ token: authToken ?? null, params }),
}

/** The text of a result that is an error, and nothing else. */
export function errorOf(result: unknown): string | undefined {
  if (result === null || typeof result !== 'object' || Object.keys(result).join() !== 'error') return undefined
  const { error } = result as { error: unknown }
  return typeof error === 'string' && error !== '' ? error : undefined
}

/** Whether a frame asks a toolkit to run a tool. */
export const isToolRequest = (frame: WireFrame): boolean => frame.message_type === 'atp_tool_request'
