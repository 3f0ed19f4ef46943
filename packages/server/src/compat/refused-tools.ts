/** How long a refusal counts, in milliseconds: a toolkit registers all its tools within seconds. */
const rememberMs = 600_000

/** How many keys are remembered; above that, the one that was refused something first is forgotten. */
const maxKeys = 10_000

/** How many tools of a key are remembered. */
const maxTools = 1_000

/** Which tools could not be registered lately, by the key that tried. */
export class RefusedTools {
  readonly #byKey = new Map<string, { tools: Set<string>; since: number }>()
  readonly #now: () => number

  /** @param now monotonic milliseconds. @default `performance.now` */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add(keyId: string, tool: string): void {
    const entry = this.#byKey.get(keyId) ?? { tools: new Set<string>(), since: 0 }
    const [oldest] = this.#byKey.keys()
    if (oldest !== undefined && !this.#byKey.has(keyId) && this.#byKey.size >= maxKeys) this.#byKey.delete(oldest)
    entry.since = this.#now()
    if (entry.tools.size < maxTools) entry.tools.add(tool.slice(0, 128))
    this.#byKey.set(keyId, entry)
  }

  remove(keyId: string, tool: string): void {
    const entry = this.#byKey.get(keyId)
    entry?.tools.delete(tool)
    if (entry?.tools.size === 0) this.#byKey.delete(keyId)
  }

  /** Whether any tool of the key is missing. */
  has(keyId: string): boolean {
    const entry = this.#byKey.get(keyId)
    if (entry && this.#now() - entry.since > rememberMs) this.#byKey.delete(keyId)
    return this.#byKey.has(keyId)
  }

  forget(keyId: string): void {
    this.#byKey.delete(keyId)
  }
}
