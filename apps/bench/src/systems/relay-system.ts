import type { LoadSystem } from './load-system.ts'

/** The least that brings a call from one process through a second to a third: JSON frames over `ws`, nothing else. */
export const relaySystem: LoadSystem = relaySystemWith('relay-load')

/** The same, with another process that calls. */
export function relaySystemWith(loadProcess: string): LoadSystem {
  return {
    name: 'ws relay',
    async start(children) {
      const server = await children.start('relay-server')
      const { port } = server.started as { port: number }
      const toolkit = await children.start('relay-toolkit', { data: { port } })
      const load = await children.start(loadProcess, { data: { port } })
      return { server, load, processes: [load, toolkit, server] }
    },
  }
}
