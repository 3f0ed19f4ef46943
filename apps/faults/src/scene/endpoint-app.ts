import type { FaultProcess } from '../children/processes.ts'
import type { EndpointAppPlan } from '../processes/endpoint-app.ts'
import type { Scene } from './scene.ts'

/** An app that serves a toolkit at an address, which the server does not know before it is registered. */
export interface EndpointApp {
  readonly port: number
  /** The one that runs at the moment. */
  readonly process: FaultProcess
  /** Tells the server the tools, and the address that calls are posted to. @default the app's own */
  register(url?: string): Promise<void>
  /** `kill -9`, and the same app once more on the same port. Resolves when it listens. */
  killAndRestart(): Promise<void>
}

/** Starts an app on a free port. */
export async function startEndpointApp(scene: Scene): Promise<EndpointApp> {
  const name = 'app'
  const appName = 'tools'
  const apiKey = await scene.key('toolkit', appName)
  const plan = { name, ledgers: scene.ledgers, baseUrl: scene.info.url, apiKey, appName }
  const start = (port: number): Promise<FaultProcess> =>
    scene.process('endpoint-app', name, { ...plan, port } satisfies EndpointAppPlan)
  let process = await start(0)
  const port = process.started as number
  return {
    port,
    get process() {
      return process
    },
    register: (url = `http://127.0.0.1:${port}`) => process.ask('register', { url }),
    async killAndRestart() {
      await process.kill()
      process = await start(port)
    },
  }
}
