import type { LoadSystem } from './load-system.ts'

/** What `processes/atp-server.ts` tells when it is ready. */
export interface AtpServerInfo {
  url: string
  llmKey: string
  toolkitKey: string
}

/** How `processes/atp-load.ts` calls. */
export interface AtpLoadOptions {
  protocol: 'ws' | 'http'
  /** Looks for the answer every so many milliseconds, instead of hearing of it at once. */
  pollMs?: number
}

/** What `processes/atp-load.ts` is told. */
export type AtpLoadData = AtpServerInfo & AtpLoadOptions

/** The name of the toolkit that serves the echo tool. */
export const atpToolkit = 'bench'

/** Our server, a `ToolKitClient` and an `LLMClient`, each in a process of its own; call log and limits as by default. */
export const atpSystem: LoadSystem = atpSystemWith('atp', { protocol: 'ws' })

/** The same, with another way to call. */
export function atpSystemWith(name: string, options: AtpLoadOptions): LoadSystem {
  return {
    name,
    async start(children) {
      const server = await children.start('atp-server')
      const info = server.started as AtpServerInfo
      const toolkit = await children.start('atp-toolkit', { data: info })
      const load = await children.start('atp-load', { data: { ...info, ...options } })
      return { server, load, processes: [load, toolkit, server] }
    },
  }
}
