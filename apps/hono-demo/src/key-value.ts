/** Where texts are kept by key: the part of Workers KV that this app needs, so a KV namespace is one as it stands. */
export interface KeyValue {
  get(key: string): Promise<string | null>
  put(key: string, value: string): Promise<void>
  /** Keys in order, at most a page of them; `cursor` gives the next page. */
  list(options: { prefix: string; cursor?: string }): Promise<KeyPage>
}

/** One page of keys. */
export type KeyPage = { keys: { name: string }[] } & (
  | { list_complete: false; cursor: string }
  | { list_complete: true; cursor?: string | undefined }
)

/** Keeps texts in memory, for Node and for tests. */
export class MemoryKeyValue implements KeyValue {
  readonly #texts = new Map<string, string>()

  async get(key: string): Promise<string | null> {
    return this.#texts.get(key) ?? null
  }

  async put(key: string, value: string): Promise<void> {
    this.#texts.set(key, value)
  }

  async list({ prefix }: { prefix: string }): Promise<KeyPage> {
    const names = [...this.#texts.keys()].filter((name) => name.startsWith(prefix)).sort()
    return { keys: names.map((name) => ({ name })), list_complete: true }
  }
}
