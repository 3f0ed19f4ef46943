import { ToolKitClient } from '@atp/core'
import * as z from 'zod'
import { createAdminClient } from '../../src/admin-client.ts'
import { type Demo, startDemo } from '../demo-server.ts'

/** A development server with two toolkits: "demo", and "shelf" of which one tool destroys something. */
export interface ChatDemo extends AsyncDisposable {
  url: string
  folder: string
  keys: Demo['keys']
  /** What `remove` has removed. */
  readonly removed: string[]
  /** The next call of `wait` of the toolkit demo, see there. */
  nextWait: Demo['nextWait']
  /** Resolves when the next call of `pause` has begun, with what ends it. */
  nextPause(): Promise<() => void>
  /** Calls that the server has not seen the end of. */
  statuses(): Promise<string[]>
}

/** Starts it on a free port. */
export async function startChatDemo(): Promise<ChatDemo> {
  const demo = await startDemo()
  const admin = createAdminClient({ baseUrl: demo.url, apiKey: demo.keys.adminKey })
  const { key } = await admin.keys.create({ kind: 'toolkit', name: 'shelf' })
  const removed: string[] = []
  const shelf = new ToolKitClient({
    apiKey: key,
    baseUrl: demo.url,
    appName: 'shelf',
    caption: 'Things on a shelf',
    instructions: 'Count twice.',
  })
  shelf.registerTool(
    {
      name: 'add',
      description: 'Adds two numbers',
      params: z.object({ a: z.number(), b: z.number() }),
      annotations: { readOnly: true },
    },
    ({ a, b }) => ({ sum: a + b }),
  )
  shelf.registerTool(
    {
      name: 'remove',
      description: 'Removes a thing for good',
      params: z.object({ thing: z.string() }),
      annotations: { destructive: true },
    },
    ({ thing }) => {
      removed.push(thing)
      return `${thing} is gone`
    },
  )
  shelf.registerTool(
    { name: 'greet', description: 'Greets in another way', params: z.object({ name: z.string() }) },
    ({ name }) => `Grüezi, ${name}! 日本 🙂`,
  )
  let pausing: PromiseWithResolvers<() => void> | undefined
  shelf.registerTool({ name: 'pause', description: 'Waits until it is told to go on', params: z.object({}) }, () => {
    return new Promise<string>((resolve) => pausing?.resolve(() => resolve('went on')))
  })
  await shelf.start()
  return {
    url: demo.url,
    folder: demo.folder,
    keys: demo.keys,
    removed,
    nextWait: () => demo.nextWait(),
    nextPause() {
      pausing = Promise.withResolvers()
      return pausing.promise
    },
    statuses: async () => (await admin.calls.list({})).calls.map((call) => `${call.tool} ${call.status}`),
    async [Symbol.asyncDispose]() {
      await shelf.stop()
      await demo[Symbol.asyncDispose]()
    },
  }
}
