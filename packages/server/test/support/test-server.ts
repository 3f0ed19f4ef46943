import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LLMClient, type LLMClientOptions, ToolKitClient, type ToolKitClientOptions } from '@atp/core'
import { type AtpServer, createServer, type DevKeys, type ServerOptions } from '../../src/index.ts'

/** A development server on a free port and a folder of its own; gone at the end of the test's block. */
export interface TestServer extends AsyncDisposable {
  server: AtpServer
  url: string
  keys: DevKeys
  dataDir: string
  /** A toolkit client that is stopped with the server; starts unless told otherwise. */
  toolkit(options?: Partial<ToolKitClientOptions>): Promise<ToolKitClient>
  llm(options?: Partial<LLMClientOptions>): LLMClient
}

/** Starts a server; `dataDir` keeps a folder across two of them. */
export async function startTestServer(
  options: Partial<ServerOptions> & { keepData?: boolean } = {},
): Promise<TestServer> {
  const { keepData, ...serverOptions } = options
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'atp-test-')))
  const server = await createServer({ port: 0, dev: true, logLevel: 'silent', ...serverOptions, dataDir })
  const { url } = await server.listen()
  const keys = server.devKeys
  if (!keys) throw new Error('a test server runs with dev')
  const closing: (() => Promise<void>)[] = []
  return {
    server,
    url,
    keys,
    dataDir,
    async toolkit(toolkitOptions = {}) {
      const appName = toolkitOptions.appName ?? 'test-toolkit'
      const apiKey = toolkitOptions.apiKey ?? (await server.createKey({ kind: 'toolkit', name: appName })).key
      const client = new ToolKitClient({ baseUrl: url, ...toolkitOptions, apiKey, appName })
      closing.push(() => client.stop())
      return client
    },
    llm(llmOptions = {}) {
      const client = new LLMClient({ baseUrl: url, apiKey: keys.llmKey, ...llmOptions })
      closing.push(() => client.close())
      return client
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.map((close) => close()))
      await server.close(0)
      if (!keepData) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
