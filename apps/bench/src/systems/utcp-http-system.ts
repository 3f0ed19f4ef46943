import type { LoadSystem } from './load-system.ts'

/** Whose client calls. */
export type UtcpClientKind = 'ours' | 'sdk'

/** What `processes/utcp-http-load.ts` is told. */
export interface UtcpLoadData {
  client: UtcpClientKind
  /** Where the manual is. */
  url: string
}

/** The name that the manual is registered under. */
export const utcpManualName = 'bench'

/** A UTCP client that calls the echo tool over HTTP; the server is the same for all, and costs next to nothing. */
export function utcpHttpSystem(client: UtcpClientKind): LoadSystem {
  return {
    name: client === 'ours' ? '@atp/utcp-http' : '@utcp/sdk',
    async start(children) {
      const server = await children.start('utcp-http-server')
      const { url } = server.started as { url: string }
      const load = await children.start('utcp-http-load', { data: { client, url } satisfies UtcpLoadData })
      // The client is what is compared, so its CPU time counts.
      return { server: load, load, processes: [load, server] }
    },
  }
}
