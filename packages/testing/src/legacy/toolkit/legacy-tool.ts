import { createHash } from 'node:crypto'
import { LegacyBreak } from '../legacy-break.ts'
import { isAtLeast, type SdkVersion } from '../sdk-version.ts'

/** What a tool of the Python SDK says about its token. All three are texts or null. */
export interface LegacyAuth {
  provider: string | null
  type: 'OAuth2' | 'apiKey' | null
  with: 'access_token' | 'api_key' | null
}

/** A function as `register_tool` of the Python SDK takes it. */
export interface LegacyTool {
  name: string
  /** @default the name */
  description?: string
  /** @default [] */
  params?: readonly string[]
  /** @default [] */
  requiredParams?: readonly string[]
  /** @default none: all three members null */
  auth?: LegacyAuth
  /** The parameters in the function's signature. @default undefined, which is `**kwargs` */
  declares?: readonly string[]
  /** The function's source text, decorators included; only its hash matters. @default made from the rest */
  source?: string
  /** Runs the tool; what it throws is answered as `{"error": message}`. The token is undefined when none is passed. */
  handler: (params: Record<string, unknown>, authToken: string | undefined) => unknown
}

/** The source text of a tool. */
export function sourceOf(tool: LegacyTool): string {
  return tool.source ?? `@client.register_tool(${JSON.stringify(tool)})\ndef ${tool.name}(**kwargs):\n    ...\n`
}

/** The SDK's `code_hash` and `tool_hash`. */
export function codeHash(tool: LegacyTool): string {
  return sha256(sourceOf(tool))
}

/** The SDK's `toolkit_hash`: of all source texts, joined without a separator in the order of the names' code points. */
export function toolkitHash(tools: readonly LegacyTool[]): string {
  return sha256([...tools].sort(byCodePoints).map(sourceOf).join(''))
}

/**
 * What the signature rule says of a tool (0.2.2 and later).
 * @throws LegacyBreak for a declared `access_token` or `api_key`
 */
export function checkSignature(tool: LegacyTool, version: SdkVersion): void {
  if (!isAtLeast(version, '0.2.2')) return
  const wrong = tool.declares?.find((name) => name === 'access_token' || name === 'api_key')
  if (wrong !== undefined) throw new LegacyBreak(`${wrong} must not be declared by ${tool.name}`)
}

/**
 * Calls a tool's function as the SDK does: the token is an argument only where the function takes it.
 * @returns what the function returned, or `{error}` with the text of what it threw
 */
export async function runTool(
  tool: LegacyTool,
  params: Record<string, unknown>,
  token: unknown,
  version: SdkVersion,
): Promise<unknown> {
  const takesToken = tool.declares ? tool.declares.includes('auth_token') : version !== '0.1.0'
  const authToken = typeof token === 'string' && token !== '' && takesToken ? token : undefined
  const undeclared = tool.declares && Object.keys(params).find((name) => !tool.declares?.includes(name))
  try {
    if (undeclared !== undefined) {
      throw new TypeError(`${tool.name}() got an unexpected keyword argument '${undeclared}'`)
    }
    return (await tool.handler(params, authToken)) ?? null
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** UTF-8 keeps the order of code points, UTF-16 does not. */
function byCodePoints(a: LegacyTool, b: LegacyTool): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))
}
