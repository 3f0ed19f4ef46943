import type { Logger } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import type { MessageBus } from '../bus/message-bus.ts'
import type { InboxDelivery } from '../delivery/inbox.ts'
import type { SocketDelivery } from '../delivery/socket.ts'
import type { SocketRoute } from '../gateway/socket-route.ts'
import type { ServerLimits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { LegacyInbox } from './legacy-inbox.ts'
import { LegacyProcesses } from './legacy-processes.ts'
import { LegacyRegistrations } from './legacy-registrations.ts'
import type { LlmService } from './llm-service.ts'
import { createLegacyLlmGateway } from './llm-socket.ts'
import { registerToolkitHttp } from './toolkit-http.ts'
import { createLegacyToolkitGateway } from './toolkit-socket.ts'

/** What {@link createLegacyWire} needs. */
export interface LegacyWireOptions {
  app: FastifyInstance
  service: LlmService
  store: Store
  bus: MessageBus
  delivery: SocketDelivery
  inbox: InboxDelivery
  limits: ServerLimits
  logger: Logger
}

/**
 * Serves the Python SDK, both generations: adds its toolkit routes to the app and returns its socket routes. Nothing of
 * the server depends on it: an operator can leave it out.
 */
export async function createLegacyWire(options: LegacyWireOptions): Promise<SocketRoute[]> {
  const { app, service, store, bus, delivery, inbox, limits, logger } = options
  const maxCallsPerProcess = limits.legacyCallsPerProcess
  const processes = await LegacyProcesses.create({ store, bus, delivery, maxCallsPerProcess, logger })
  const registrations = new LegacyRegistrations({ store, bus, processes, logger })
  registerToolkitHttp(app, { registrations, inbox: new LegacyInbox({ store, inbox, limits }), limits })
  return [
    createLegacyToolkitGateway({ processes, delivery, limits, logger }),
    createLegacyLlmGateway({ service, limits }),
  ]
}
