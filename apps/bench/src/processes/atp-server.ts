import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AtpServer, createServer } from '@atp/server'
import { serveParent } from '../children/serve-parent.ts'
import type { AtpServerData, AtpServerInfo, KeysRequest } from '../systems/atp-system.ts'

let server: AtpServer | undefined

/** Our server on an empty data folder, which goes when this process ends. */
serveParent(
  async (data: AtpServerData | null): Promise<AtpServerInfo> => {
    const dataDir = mkdtempSync(join(tmpdir(), 'atp-bench-'))
    process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }))
    const options = { dataDir, port: 0, host: '127.0.0.1', dev: true, logLevel: 'silent' } as const
    server = await createServer({ ...options, ...data })
    const { url } = await server.listen()
    const keys = server.devKeys
    if (keys === undefined) throw new Error('The development server made no keys')
    return { url, llmKey: keys.llmKey, toolkitKey: keys.toolkitKey, dataDir }
  },
  {
    async keys({ kind, count, prefix }: KeysRequest): Promise<string[]> {
      if (server === undefined) throw new Error('The server is not started')
      const made: string[] = []
      for (let number = 0; number < count; number++) {
        made.push((await server.createKey({ kind, name: `${prefix}-${number}` })).key)
      }
      return made
    },
  },
)
