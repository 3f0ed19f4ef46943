import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LLMClient } from '@atp/core'
import { createServer } from '@atp/server'

/** A server of ATP on a free port, with an LLM client; gone at the end of the block that holds it. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string
  readonly llm: LLMClient
  toolkitKey(name: string): Promise<string>
}

export async function startServer(): Promise<RunningServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-nest-'))
  const server = await createServer({ port: 0, dev: true, logLevel: 'silent', dataDir })
  const { url } = await server.listen()
  const llm = new LLMClient({ baseUrl: url, apiKey: server.devKeys?.llmKey ?? '' })
  return {
    url,
    llm,
    toolkitKey: async (name) => (await server.createKey({ kind: 'toolkit', name })).key,
    async [Symbol.asyncDispose]() {
      await llm.close()
      await server.close(0)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
