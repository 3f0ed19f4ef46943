import { rm } from 'node:fs/promises'
import type { Logger } from '@atp/core'
import type { LegacyHub, LegacyHubOptions } from '@atp/testing/legacy'
import type { ServerOptions } from '../../src/index.ts'
import { startTestServer } from '../support/test-server.ts'

/** Our server as the legacy suite wants one; what it stores outlives `restart`. */
export async function startLegacyHub(
  limits: LegacyHubOptions = {},
  options: Partial<Pick<ServerOptions, 'databaseUrl' | 'dataDir'>> = {},
): Promise<LegacyHub> {
  const lines: string[] = []
  const test = await startTestServer({ ...options, limits, logger: recordingLogger(lines), keepData: true })
  const { server, url, dataDir } = test
  return {
    baseUrl: url,
    createToolkitKey: async (appName) => (await server.createKey({ kind: 'toolkit', name: appName ?? '' })).key,
    createLlmKey: async () => (await server.createKey({ kind: 'llm' })).key,
    async restart() {
      await test[Symbol.asyncDispose]()
      return startLegacyHub(limits, { databaseUrl: options.databaseUrl, dataDir })
    },
    logs: () => lines.join('\n'),
    async stop() {
      await test[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Writes down everything at every level; the server's own logger would redact what must not get that far. */
function recordingLogger(lines: string[]): Logger {
  const write = (event: string, fields: Record<string, unknown> = {}): void => {
    lines.push(`${event} ${JSON.stringify(fields)}`)
  }
  return { debug: write, info: write, warn: write, error: write }
}
