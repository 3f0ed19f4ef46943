import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type AtpServer, createPinoLogger, type createServer, type runProcess, type ServerLimits } from '@atp/server'
import { serve } from '../children/serve.ts'
import type { ServerInfo } from '../scene/server-info.ts'

/** How a server runs. */
export interface ServerPlan {
  dataDir: string
  databaseUrl: string | undefined
  /** 0 for any. */
  port: number
  limits: Partial<ServerLimits>
  /** The entry of a changed copy of the server's source. */
  entry: string | undefined
}

interface ServerModule {
  createServer: typeof createServer
  runProcess: typeof runProcess
}

let server: AtpServer | undefined

/* The server of a fault, run as `atp server` runs it: SIGTERM ends it in order, a defect ends it with code 1. */
serve(async ({ dataDir, databaseUrl, port, limits, entry }: ServerPlan) => {
  const module: ServerModule = await import(entry === undefined ? '@atp/server' : pathToFileURL(entry).href)
  const logger = createPinoLogger('error')
  server = await module.createServer({ dataDir, databaseUrl, port, dev: true, logger, limits })
  const running = server
  module.runProcess({ stop: () => running.close(), logger })
  const { url } = await running.listen()
  const keys = running.devKeys
  if (keys === undefined) throw new Error('The development server made no keys')
  const { llmKey, adminKey } = keys
  return {
    started: { url, llmKey, adminKey } satisfies ServerInfo,
    commands: {
      key: (request: { kind: 'toolkit' | 'llm'; name: string }) => running.createKey(request).then(({ key }) => key),
      async keys({ names }: { names: string[] }): Promise<string[]> {
        const made: string[] = []
        for (const name of names) made.push((await running.createKey({ kind: 'toolkit', name })).key)
        return made
      },
      memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1_024,
      clock: () => Date.now(),
    },
  }
})
