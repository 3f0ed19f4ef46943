import { type LegacyAnswer, legacyFetch, openLegacy, trimBase } from '../http.ts'
import { LegacyBreak, LegacyRefusal } from '../legacy-break.ts'
import { isObject } from '../python-json.ts'
import { isAtLeast, type SdkVersion } from '../sdk-version.ts'
import type { WireFrame } from '../wire-socket.ts'

/** What {@link LegacyLlmHttp} works with. */
export interface LlmHttpOptions {
  baseUrl: string
  apiKey: string
  version: SdkVersion
}

/** The LLM client's HTTP side. */
export class LegacyLlmHttp {
  readonly #options: LlmHttpOptions
  readonly #prefix: string

  constructor(options: LlmHttpOptions) {
    this.#options = options
    this.#prefix = `${trimBase(options.baseUrl)}/api/v1/atp/llm-client/`
  }

  /** Posts a message to `process/`. */
  process(message: WireFrame): Promise<LegacyAnswer> {
    return legacyFetch(`${this.#prefix}process/`, { body: message, headers: this.#headers })
  }

  /**
   * Posts a message to `process/` and reads its events.
   * @returns all events, of which the last is the answer
   * @throws LegacyBreak where the SDK finds no answer in them
   */
  async stream(message: WireFrame): Promise<WireFrame[]> {
    const headers = { ...this.#headers, accept: 'text/event-stream' }
    const response = await openLegacy(`${this.#prefix}process/`, { body: message, headers })
    const text = await response.text()
    if (response.status !== 200) throw new LegacyBreak(`a stream was answered with ${response.status} ${text}`)
    const events = text.split(/\r?\n/).flatMap((line) => {
      if (line.startsWith('data: ')) return [JSON.parse(line.slice('data: '.length)) as WireFrame]
      if (line.startsWith('data:')) throw new LegacyBreak(`the SDK needs a space after "data:" in ${line}`)
      return []
    })
    if (events.length === 0) throw new LegacyBreak(`a stream had no event the SDK reads: ${text.slice(0, 200)}`)
    return events
  }

  /**
   * Reads a route below the prefix, as the developer and store methods do.
   * @throws LegacyRefusal for any status but 2xx
   */
  async get(path: string): Promise<WireFrame> {
    const answer = await legacyFetch(this.#prefix + path, { headers: this.#headers })
    if (answer.status < 200 || answer.status > 299) {
      throw new LegacyRefusal(`${path} was answered with ${answer.status}`, answer.status, answer.json)
    }
    if (!isObject(answer.json)) throw new LegacyBreak(`${path} gave no object: ${answer.text.slice(0, 200)}`)
    return answer.json
  }

  /** 0.1.6 and 0.1.7 send no key at all. */
  get #headers(): Record<string, string> {
    const { version, apiKey } = this.#options
    if (isAtLeast(version, '0.2.2')) return { authorization: `ApiKey ${apiKey}` }
    if (version === '0.1.6' || version === '0.1.7') return {}
    return { authorization: `Bearer ${apiKey}` }
  }
}
