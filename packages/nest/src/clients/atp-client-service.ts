import { AtpError, type ToolKitClient, type Toolkit } from '@atp/core'
import { Inject, Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { DiscoveryService } from '@nestjs/core'
import type { AtpMount } from '../atp-mount.ts'
import { findMounts } from '../find-mounts.ts'

/**
 * The `ToolKitClient`s that AtpModules with `connect: true` were given: started when the app has started, stopped when
 * it ends. An app whose server is away starts all the same; its clients go on trying.
 */
export class AtpClientService implements OnApplicationBootstrap {
  private readonly discovery: DiscoveryService
  private readonly logger = new Logger('ATP')
  private readonly started = new Set<ToolKitClient>()
  private readonly endings: (() => void)[] = []

  constructor(discovery: DiscoveryService) {
    this.discovery = discovery
  }

  /** Those that were started; each tells its `appName` and its `state`. */
  get clients(): readonly ToolKitClient[] {
    return [...this.started]
  }

  /** @throws AtpError `invalid_config` where there is nothing to connect */
  onApplicationBootstrap(): void {
    for (const mount of findMounts(this.discovery)) {
      if (mount.options.connect !== true) continue
      const clients = toolkitClients(mount)
      if (clients.length === 0) {
        throw new AtpError(
          'invalid_config',
          `The AtpModule at ${mount.path}/atp is to connect, but its \`clients\` have no ToolKitClient; add one, or take \`connect\` away`,
        )
      }
      for (const client of clients) this.start(client)
    }
  }

  /** Lets running calls end, then disconnects. The end of the app does this. */
  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stop()))
    for (const end of this.endings.splice(0)) end()
  }

  private start(client: ToolKitClient): void {
    if (this.started.has(client)) return
    this.started.add(client)
    const { appName } = client
    this.endings.push(
      client.on('connected', () => this.logger.log(`Toolkit "${appName}" is connected`)),
      client.on('reconnecting', ({ error, retryInMs }) => {
        const wait = `${Math.ceil(retryInMs)} ms`
        this.logger.warn(`Toolkit "${appName}" is not connected and tries again in ${wait}: ${error.message}`)
      }),
    )
    client.start().catch((error: Error) => {
      if (client.state !== 'stopped') this.logger.error(`Toolkit "${appName}" cannot connect: ${error.message}`)
    })
  }
}

Inject(DiscoveryService)(AtpClientService, undefined, 0)

function toolkitClients({ registry }: AtpMount): ToolKitClient[] {
  return [...registry].flatMap(([, toolkit]) => (isToolKitClient(toolkit) ? [toolkit] : []))
}

/** By what it can do: another copy of the core has another class. */
function isToolKitClient(toolkit: Toolkit): toolkit is ToolKitClient {
  return 'start' in toolkit && 'stop' in toolkit && 'state' in toolkit
}
