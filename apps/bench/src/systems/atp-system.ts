import type { ServerLimits } from '@atp/server'
import type { LoadSystem } from './load-system.ts'

/** What `processes/atp-server.ts` tells when it is ready. */
export interface AtpServerInfo {
  url: string
  llmKey: string
  toolkitKey: string
  /** Its data folder, which goes with the process. */
  dataDir: string
}

/** What `processes/atp-server.ts` may be told. */
export interface AtpServerData {
  limits?: Partial<ServerLimits>
  /** Keeps everything in this PostgreSQL database instead of the data folder. */
  databaseUrl?: string
}

/** What its command `keys` is told. */
export interface KeysRequest {
  kind: 'toolkit' | 'llm'
  count: number
  /** The names are `PREFIX-0`, `PREFIX-1`, … */
  prefix: string
}

/** How `processes/atp-load.ts` calls. */
export interface AtpLoadOptions {
  protocol: 'ws' | 'http'
  /** Looks for the answer every so many milliseconds, instead of hearing of it at once. */
  pollMs?: number
}

/** What `processes/atp-load.ts` is told. */
export type AtpLoadData = AtpServerInfo & AtpLoadOptions

/** What `processes/atp-toolkit.ts` is told. */
export type AtpToolkitData = AtpServerInfo & Pick<AtpLoadOptions, 'protocol'>

/** What differs from {@link atpSystem} besides the way to call. */
export interface AtpSystemParts {
  server?: AtpServerData
  /** How calls reach the toolkit. @default 'ws' */
  toolkitProtocol?: AtpLoadOptions['protocol']
  /** The process that serves the tool. @default 'atp-toolkit' */
  toolkitProcess?: string
  /** The process that calls. @default 'atp-load' */
  loadProcess?: string
}

/** The name of the toolkit that serves the echo tool. */
export const atpToolkit = 'bench'

/** Our server, a `ToolKitClient` and an `LLMClient`, each in a process of its own; call log and limits as by default. */
export const atpSystem: LoadSystem = atpSystemWith('atp', { protocol: 'ws' })

/** The same, with another way to call, or other parts. */
export function atpSystemWith(name: string, options: AtpLoadOptions, parts: AtpSystemParts = {}): LoadSystem {
  const { toolkitProtocol = 'ws', toolkitProcess = 'atp-toolkit', loadProcess = 'atp-load' } = parts
  return {
    name,
    async start(children) {
      const server = await children.start('atp-server', { data: parts.server })
      const info = server.started as AtpServerInfo
      const toolkit = await children.start(toolkitProcess, { data: { ...info, protocol: toolkitProtocol } })
      const load = await children.start(loadProcess, { data: { ...info, ...options } })
      return { server, load, processes: [load, toolkit, server] }
    },
  }
}
