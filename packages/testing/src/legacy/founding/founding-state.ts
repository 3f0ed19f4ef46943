import { randomBytes, randomUUID } from 'node:crypto'

/** A tool as `register_tool` described it. */
export interface FoundingTool {
  name: string
  codeHash: string
  params: string[]
  requiredParams: string[]
  description: string
  authType: string | null
}

/** A toolkit: what stands behind one toolkit key. */
export interface FoundingToolkit {
  id: string
  appName: string
  account: string
  tools: Map<string, FoundingTool>
  /** What the tools' hashes were when a toolkit hash was announced. */
  hashes: Map<string, Map<string, string>>
}

interface KeyHolder {
  kind: 'toolkit' | 'llm'
  account: string
  toolkit: FoundingToolkit | undefined
}

/** What a founding server keeps when it restarts: keys and registrations. */
export class FoundingState {
  readonly #keys = new Map<string, KeyHolder>()
  /** Where the exchange tokens of registrations lead; each works once. */
  readonly exchanges: Map<string, FoundingToolkit> = new Map()
  /** What the only account is called in the store. */
  readonly developer: string = 'Founding Developer'

  /** A key for a toolkit; it takes the name of its first registration unless one is given. */
  createToolkitKey(appName?: string): string {
    const holder: KeyHolder = { kind: 'toolkit', account: 'founder', toolkit: undefined }
    if (appName !== undefined) holder.toolkit = newToolkit(appName, holder.account)
    return this.#add(holder)
  }

  createLlmKey(): string {
    return this.#add({ kind: 'llm', account: 'founder', toolkit: undefined })
  }

  isLlmKey(key: unknown): boolean {
    return this.#keys.get(String(key))?.kind === 'llm'
  }

  /** Whether a key is a toolkit's. */
  isToolkitKey(key: unknown): boolean {
    return this.#keys.get(String(key))?.kind === 'toolkit'
  }

  /** The toolkit of a key; undefined until something was registered with it. */
  toolkitOf(key: unknown): FoundingToolkit | undefined {
    return this.#keys.get(String(key))?.toolkit
  }

  /** The toolkit of a key, made with its first registration. */
  ensureToolkit(key: unknown, appName: string): FoundingToolkit {
    const holder = this.#keys.get(String(key))
    if (holder === undefined) throw new Error('ensureToolkit needs a key that was checked')
    holder.toolkit ??= newToolkit(appName, holder.account)
    return holder.toolkit
  }

  /** A toolkit by id or unique name. */
  findToolkit(idOrName: unknown): FoundingToolkit | undefined {
    return this.toolkits().find(({ id, appName }) => id === idOrName || appName === idOrName)
  }

  toolkits(): FoundingToolkit[] {
    return [...this.#keys.values()].flatMap(({ toolkit }) => toolkit ?? [])
  }

  #add(holder: KeyHolder): string {
    const key = `founding-${holder.kind}-${randomBytes(16).toString('hex')}`
    this.#keys.set(key, holder)
    return key
  }
}

/** Stores a tool and what the toolkit's hash stands for from now on. */
export function storeTool(toolkit: FoundingToolkit, tool: FoundingTool, toolkitHash: unknown): void {
  toolkit.tools.set(tool.name, tool)
  if (typeof toolkitHash !== 'string') return
  toolkit.hashes.set(toolkitHash, new Map([...toolkit.tools.values()].map(({ name, codeHash }) => [name, codeHash])))
}

/** Whether all tools behind a hash are stored as they were when it was announced. */
export function isUpToDate(toolkit: FoundingToolkit, toolkitHash: unknown): boolean {
  const hashes = toolkit.hashes.get(String(toolkitHash))
  return hashes !== undefined && [...hashes].every(([name, hash]) => toolkit.tools.get(name)?.codeHash === hash)
}

function newToolkit(appName: string, account: string): FoundingToolkit {
  return { id: randomUUID(), appName, account, tools: new Map(), hashes: new Map() }
}
