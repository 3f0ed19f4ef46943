import { echoKey } from '../load/echo-route.ts'
import { type AtpServerInfo, atpSystemWith } from './atp-system.ts'
import type { LoadSystem } from './load-system.ts'

/** What `processes/endpoint-app.ts` is told: its key, and the server to register with, if there is one. */
export type EndpointAppData = Pick<AtpServerInfo, 'toolkitKey'> & Partial<Pick<AtpServerInfo, 'url'>>

/** What `processes/signed-post-load.ts` is told: where the app listens, and the key it has. */
export type SignedPostData = Pick<AtpServerInfo, 'toolkitKey'> & { port: number }

/** Our server, an app at a URL that serves the toolkit, and an `LLMClient`. */
export const endpointSystem: LoadSystem = atpSystemWith(
  'atp endpoint',
  { protocol: 'ws' },
  { toolkitProcess: 'endpoint-app' },
)

/** The same app, posted to by a process that signs, sends and reads, and does nothing else: that one counts as server. */
export const signedPostSystem: LoadSystem = {
  name: 'signed POST',
  async start(children) {
    const app = await children.start('endpoint-app', { data: { toolkitKey: echoKey } satisfies EndpointAppData })
    const { port } = app.started as { port: number }
    const data: SignedPostData = { port, toolkitKey: echoKey }
    const load = await children.start('signed-post-load', { data })
    return { server: load, load, processes: [load, app] }
  },
}
