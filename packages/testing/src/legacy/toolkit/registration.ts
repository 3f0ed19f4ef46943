import { type LegacyAnswer, legacyFetch, trimBase } from '../http.ts'
import type { Problems } from '../legacy-break.ts'
import { isObject } from '../python-json.ts'
import { generationOf, isAtLeast, type SdkVersion } from '../sdk-version.ts'
import { checkSignature, codeHash, type LegacyTool, runTool, sourceOf, toolkitHash } from './legacy-tool.ts'

/** What {@link LegacyRegistration} works with. */
export interface RegistrationOptions {
  baseUrl: string
  apiKey: string
  appName: string
  version: SdkVersion
  problems: Problems
  /** Leaves `source_code` out, which the server must bear. @default false */
  withoutSource?: boolean | undefined
}

/** How long the SDK waits for an answer about a hash, in milliseconds. */
const verifyTimeoutMs = 15_000

/** The registration of one toolkit, one request after the other, as a release of the SDK does it. */
export class LegacyRegistration {
  /** The names of the tools that were really sent, in order; a tool the server knew already is not among them. */
  readonly sent: string[] = []
  /** The last exchange token of each tool. */
  readonly exchangeTokens: Map<string, string> = new Map()
  readonly #options: RegistrationOptions
  readonly #tools: LegacyTool[] = []

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  /** What the decorator does: checks the signature, asks for the hash of the tools so far, and registers if need be. */
  async add(tool: LegacyTool): Promise<void> {
    checkSignature(tool, this.#options.version)
    this.#tools.push(tool)
    if (await this.#isUpToDate()) return
    await this.#register(tool)
  }

  /** What `start` does first: asks again, and registers the tools that differ. */
  async confirm(): Promise<void> {
    if (!isAtLeast(this.#options.version, '0.2.2') || (await this.#isUpToDate())) return
    for (const tool of this.#tools) {
      if (!(await this.verifyTool(tool))) await this.#register(tool)
    }
  }

  /** Whether the server says that it has all tools behind a hash. Releases before 0.2.2 never ask. */
  async verify(hash: string): Promise<boolean> {
    const { apiKey, appName } = this.#options
    return this.#ask('verify_hash', { api_key: apiKey, app_name: appName, toolkit_hash: hash })
  }

  /** Whether the server says that it has this very tool. Releases before 0.2.5 never ask. */
  async verifyTool(tool: LegacyTool): Promise<boolean> {
    if (!isAtLeast(this.#options.version, '0.2.5')) return false
    return this.#ask('verify_tool_hash', {
      api_key: this.#options.apiKey,
      tool_hash: codeHash(tool),
      tool_name: tool.name,
    })
  }

  /** The body of `register_tool` for one tool, with the hash of all tools so far. */
  async body(tool: LegacyTool): Promise<Record<string, unknown>> {
    const { apiKey, appName, version, withoutSource } = this.#options
    const params = [...(tool.params ?? [])]
    const samples = { ...Object.fromEntries(params.map((name) => [name, 'sample_value'])) }
    return {
      function_id: tool.name,
      api_key: apiKey,
      app_name: appName,
      programming_language: 'Python',
      code_hash: codeHash(tool),
      toolkit_hash: generationOf(version) === 2 ? toolkitHash(this.#tools) : undefined,
      metadata: {
        params,
        required_params: [...(tool.requiredParams ?? [])],
        description: tool.description ?? tool.name,
        auth_provider: tool.auth?.provider ?? null,
        auth_type: tool.auth?.type ?? null,
        auth_with: tool.auth?.with ?? null,
        // Before 0.2.3 the tool is really run.
        sample_response: isAtLeast(version, '0.2.3') ? '' : await runTool(tool, samples, 'sample_token', version),
        source_code: withoutSource ? undefined : sourceOf(tool),
      },
    }
  }

  async #isUpToDate(): Promise<boolean> {
    return isAtLeast(this.#options.version, '0.2.2') && (await this.verify(toolkitHash(this.#tools)))
  }

  async #register(tool: LegacyTool): Promise<void> {
    this.sent.push(tool.name)
    const answer = await legacyFetch(`${trimBase(this.#options.baseUrl)}/api/v1/register_tool`, {
      body: await this.body(tool),
    })
    const token = isObject(answer.json) ? answer.json.exchange_token : undefined
    if (answer.status === 200 && typeof token === 'string') this.exchangeTokens.set(tool.name, token)
    else this.#options.problems.add(`${tool.name} stays unregistered: register_tool answered ${shown(answer)}`)
  }

  async #ask(path: string, body: Record<string, unknown>): Promise<boolean> {
    const url = `${trimBase(this.#options.baseUrl)}/api/v1/toolkit/${path}`
    const answer = await legacyFetch(url, { body, timeoutMs: verifyTimeoutMs })
    const known = isObject(answer.json) ? answer.json.up_to_date : undefined
    // The SDK takes anything else for false, and hides that the server is wrong.
    if (answer.status !== 200 || typeof known !== 'boolean') {
      this.#options.problems.add(`${path} answered ${shown(answer)}`)
    }
    return known === true
  }
}

function shown({ status, text }: LegacyAnswer): string {
  return `${status} ${text.slice(0, 200)}`
}
