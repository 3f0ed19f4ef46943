import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger, ToolKitClient } from '@atp/core'
import { type AtpServer, createServer, type DevKeys } from '@atp/server'
import * as z from 'zod'

export interface Demo {
  server: AtpServer
  url: string
  folder: string
  keys: DevKeys
  /** Resolves when the next call of the tool `wait` has begun; the inner promise when that was told to stop. */
  nextWait(): Promise<{ cancelled: Promise<string> }>
  [Symbol.asyncDispose](): Promise<void>
}

/** A development server on a free port with the toolkit "demo" connected to it. */
export async function startDemo(): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), 'atp-cli-demo-'))
  const server = await createServer({ dataDir: folder, port: 0, dev: true, logger: silentLogger })
  const { url } = await server.listen()
  const keys = server.devKeys
  if (!keys) throw new Error('a development server has keys')
  let waiting: PromiseWithResolvers<{ cancelled: Promise<string> }> | undefined

  const toolkit = new ToolKitClient({
    apiKey: keys.toolkitKey,
    baseUrl: url,
    appName: 'demo',
    caption: 'Tools to try',
    instructions: 'Be kind.',
  })
  toolkit.registerTool(
    {
      name: 'greet',
      description: 'Greets somebody\nand says how often',
      params: z.object({ name: z.string(), times: z.number().optional() }),
    },
    ({ name, times }) => ({ greeting: `Hello ${name}`, ...(times === undefined ? {} : { times }) }),
  )
  toolkit.registerTool(
    { name: 'echo', description: 'Gives back what it gets', params: z.looseObject({}) },
    (args) => args,
  )
  toolkit.registerTool(
    {
      name: 'token_length',
      description: 'Needs a token',
      params: z.object({}),
      auth: { provider: 'hub', type: 'OAuth2', with: 'access_token' },
    },
    (_args, context) => context.authToken?.length,
  )
  toolkit.registerTool({ name: 'noise', description: '\u001b[31mred\u202e', params: z.object({}) }, () => {
    return 'first\r\nsecond \u001b[2J\u009b'
  })
  toolkit.registerTool({ name: 'fail', description: 'Fails', params: z.object({}) }, () => {
    throw new Error('out of \u001b[2Jluck')
  })
  toolkit.registerTool(
    { name: 'wait', description: 'Waits until it is cancelled', params: z.object({}) },
    (_args, { signal }) => {
      const cancelled = Promise.withResolvers<string>()
      signal.addEventListener('abort', () => cancelled.resolve(String(signal.reason)))
      waiting?.resolve({ cancelled: cancelled.promise })
      return cancelled.promise
    },
  )
  await toolkit.start()

  return {
    server,
    url,
    folder,
    keys,
    nextWait() {
      waiting = Promise.withResolvers()
      return waiting.promise
    },
    async [Symbol.asyncDispose]() {
      await toolkit.stop()
      await server.close(0)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
