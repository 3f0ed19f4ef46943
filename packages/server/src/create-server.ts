import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { AtpError } from '@atp/core'
import { createMemoryBus } from './bus/memory.ts'
import { CallLog } from './calls/call-log.ts'
import { createContextService } from './calls/context-service.ts'
import { RecentCalls } from './calls/recent-calls.ts'
import { ToolNames } from './calls/tool-names.ts'
import { ToolkitDirectory } from './calls/toolkit-directory.ts'
import { createLegacyWire } from './compat/legacy-wire.ts'
import { LlmService } from './compat/llm-service.ts'
import { registerProcessHttp } from './compat/process-http.ts'
import { registerStoreHttp } from './compat/store-http.ts'
import { createCalls } from './create-calls.ts'
import { ensureDevKeys } from './dev-keys.ts'
import type { DevKeys } from './dev-keys-file.ts'
import { registerAdminHttp } from './gateway/admin-http.ts'
import { bearerKey } from './gateway/bearer.ts'
import { registerCallsHttp } from './gateway/calls-http.ts'
import { closeSockets, settledWithin } from './gateway/close-sockets.ts'
import { registerDeadHttp } from './gateway/dead-http.ts'
import { registerEndpointHttp } from './gateway/endpoint-http.ts'
import { registerHealthHttp } from './gateway/health-http.ts'
import { createHttpApp } from './gateway/http-app.ts'
import { registerInboxHttp } from './gateway/inbox-http.ts'
import { InboxSessions } from './gateway/inbox-sessions.ts'
import { KeyGuard } from './gateway/key-guard.ts'
import { listenError, urlHost } from './gateway/listen-address.ts'
import { registerLlmCallsHttp } from './gateway/llm-calls-http.ts'
import { createLlmGateway } from './gateway/llm-socket.ts'
import { defaultMetricsAccess, registerMetricsHttp } from './gateway/metrics-http.ts'
import { createOriginGuard, isLoopbackName } from './gateway/origin-guard.ts'
import { createPeerAddress } from './gateway/peer-address.ts'
import { registerPublishHttp } from './gateway/publish-http.ts'
import { RequestsOfKeys } from './gateway/requests-of-keys.ts'
import type { AuthenticateRequest } from './gateway/route-access.ts'
import { SocketAdmission } from './gateway/socket-admission.ts'
import { SocketWatch } from './gateway/socket-watch.ts'
import { StaleTools } from './gateway/stale-tools.ts'
import { createToolkitGateway } from './gateway/toolkit-socket.ts'
import { attachUpgrade } from './gateway/upgrade.ts'
import { createEndpointSecrets } from './keys/endpoint-secret.ts'
import { newId } from './keys/ids.ts'
import { createKeyService } from './keys/key-service.ts'
import { watchRevocations } from './keys/revocation-watch.ts'
import { defaultLimits, type ServerLimits } from './limits.ts'
import { createPinoLogger } from './logging/pino-logger.ts'
import { createMetrics } from './metrics/create-metrics.ts'
import { readServerVersion } from './metrics/server-version.ts'
import { defaultPort, type ServerOptions } from './server-options.ts'
import { openStore } from './store/open-store.ts'
import { prepareDataFolder } from './store/sqlite/data-folder.ts'
import type { KeyKind } from './store/store.ts'
import { Teardown } from './teardown.ts'
import { createCallTracing } from './tracing/call-tracing.ts'
import { startRotation } from './vault/background-rotation.ts'
import { createCallSeal } from './vault/call-seal.ts'
import { openVault, readMasterKeys } from './vault/open-vault.ts'

/** A running, or about to run, server. */
export interface AtpServer {
  /**
   * Starts taking connections. Once is enough: doing it again gives the same answer.
   * @throws AtpError `port_in_use` or `invalid_config`, after which the server is closed; for one that was closed
   * `server_shutting_down`, or why it closed itself
   */
  listen(): Promise<{ url: string }>
  /** The keys of a development server, once it listens. */
  readonly devKeys: DevKeys | undefined
  /** Makes a key in the default project, as `atp keys create` does. */
  createKey(request: {
    kind: KeyKind
    name?: string
  }): Promise<{ id: string; kind: KeyKind; name: string; key: string }>
  /** Whether a key still works. */
  isValidKey(key: string, kind: KeyKind): Promise<boolean>
  /**
   * Shuts down: no new work, running calls may end, peers are told, everything is written. Idempotent.
   * @param graceMs how long running calls may take. @default 17_000
   */
  close(graceMs?: number): Promise<void>
  /**
   * Resolves when the server has stopped: with nothing after `close`, and with `database_in_use` when it stopped by
   * itself because another server took over its database. Never rejects.
   */
  readonly ended: Promise<AtpError | undefined>
}

/** The project of a server with a single tenant. */
export const defaultProject = 'default'

/** With the time in which sockets are closed, and that of the files, it stays inside the 25 s a process has to end (rule S1). */
const defaultGraceMs = 17_000

/** How long running calls may take when another server has taken over already. */
const lostGraceMs = 5_000

/**
 * Opens the data folder or the database and builds a server on it; `listen` starts it.
 * @throws AtpError `invalid_config`, also when there is no encryption key, and what `openStore` throws
 */
export async function createServer(options: ServerOptions): Promise<AtpServer> {
  const opened = new Teardown()
  try {
    return await buildServer(options, opened)
  } catch (error) {
    // What keeps the store from closing as well is less worth knowing than what went wrong first.
    await opened.run().catch(() => {})
    throw error
  }
}

async function buildServer(options: ServerOptions, opened: Teardown): Promise<AtpServer> {
  const host = options.host ?? '127.0.0.1'
  const port = options.port ?? defaultPort
  const loopback = isLoopbackName(host)
  if (options.dev && !loopback && !options.devAllowRemote) {
    throw new AtpError(
      'invalid_config',
      `A development server has well-known keys and listens on loopback only, not on ${host}; ` +
        'leave --dev out, or add --dev-allow-remote if you mean it',
    )
  }
  const logger = options.logger ?? createPinoLogger(options.logLevel ?? 'info')
  const limits: ServerLimits = { ...defaultLimits, ...options.limits }
  const dataDir = resolve(options.dataDir)
  const { databaseUrl } = options
  const dev = options.dev === true
  // Before anything is opened or made: without a key that works there is nothing to open it for.
  const masterKeys = await readMasterKeys({ encryptionKeys: options.encryptionKeys, dev, dataDir })
  const ended = Promise.withResolvers<AtpError | undefined>()
  let server: AtpServer | undefined
  let directory: ToolkitDirectory | undefined
  let lost: AtpError | undefined
  const store = await openStore({
    dataDir,
    databaseUrl,
    serve: true,
    logger,
    onRecovered: () => directory?.forgetAll(),
    onLost(error) {
      lost = error
      server
        ?.close(lostGraceMs)
        .catch((failure: unknown) => logger.error('server.not_closed', { error: String(failure) }))
    },
  })
  opened.add(() => store.close())
  const vault = await openVault({ store, masterKeys, dev, logger })
  await store.secrets.removeOfEndedKeys(Date.now())
  const endpointSecrets = createEndpointSecrets({ store, vault, logger })
  opened.add(() => endpointSecrets.settled())
  const rotation = startRotation({ store, vault, masterKeys, logger })
  opened.add(() => rotation.stop())
  const bus = createMemoryBus(logger)
  opened.add(() => bus.close())
  const keys = createKeyService({
    store,
    onRevoked: (key) => void bus.publish('key.revoked', { keyId: key.id }),
    onSeen: endpointSecrets.see,
  })
  directory = await ToolkitDirectory.create(store.toolkits, bus)
  const recent = new RecentCalls({ instanceId: newId() })
  opened.add(() => recent.close())
  const callLog = new CallLog({
    store: store.calls,
    logger,
    onCall(call) {
      recent.add(call)
      metrics.callEnded(call)
    },
  })
  opened.add(() => callLog.close())
  const toolNames = new ToolNames()
  const seal = createCallSeal({ store, masterKeys })
  const tracing = createCallTracing(logger)
  const calls = await createCalls(
    { store, vault, seal, bus, directory, toolNames, log: callLog, limits, dev, tracing, logger },
    opened,
  )
  const { router, queries, streams, stored, writer, socket: delivery, inbox, processes } = calls
  const metrics = createMetrics({
    version: readServerVersion(),
    connectedToolkits: () => delivery.connectedToolkits,
    callsInFlight: () => router.inFlight,
    callLogDropped: () => callLog.dropped,
    inboxDepths: async () => inbox.depths(),
    logger,
  })
  const contexts = createContextService(directory, toolNames)
  const watch = new SocketWatch(limits)
  opened.add(() => watch.stop())
  const staleTools = new StaleTools({ store: store.toolkits, bus, processes, logger, delayMs: limits.staleToolMs })
  opened.add(() => staleTools.stop())
  const checkOrigin = createOriginGuard({ allowedOrigins: options.allowedOrigins ?? [], loopback })
  const addressOf = createPeerAddress(options.trustedProxies ?? [])
  const keyGuard = new KeyGuard({ keys, failedKeysPerMinute: limits.failedKeysPerMinute })
  const authenticate: AuthenticateRequest = (request, kind, shown = bearerKey(request.headers.authorization) ?? '') =>
    keyGuard.authenticate(shown, kind, addressOf(request.raw))
  const requests = new RequestsOfKeys()
  const app = createHttpApp({ limits, newId, checkOrigin, authenticate, requests, logger })
  let draining = false
  let devKeys: DevKeys | undefined

  registerHealthHttp(app, async () => {
    if (draining) return false
    try {
      await store.projects.ensure(defaultProject, Date.now())
      return true
    } catch {
      return false
    }
  })
  const legacy = options.legacy ?? true
  const service = new LlmService({ router, contexts, logger })
  registerProcessHttp(app, { service, streams, limits, legacy })
  registerLlmCallsHttp(app, { queries, streams })
  const sessions = new InboxSessions({ store, bus, processes, inbox, staleTools, limits, dev, logger })
  opened.add(() => sessions.stop())
  registerInboxHttp(app, { sessions, limits })
  registerEndpointHttp(app, { store, bus, dev })
  registerDeadHttp(app, { store, writer, stored, router })
  registerMetricsHttp(app, {
    metrics,
    access:
      options.metrics ?? defaultMetricsAccess({ loopback, behindProxy: (options.trustedProxies ?? []).length > 0 }),
    operatorProject: () => projectId(),
  })
  registerStoreHttp(app, { store })
  registerPublishHttp(app, { store })
  registerAdminHttp(app, { store, keys, delivery })
  registerCallsHttp(app, { store, recent, flushCalls: () => callLog.flush() })
  const admission = new SocketAdmission({ keys, keyGuard, limits })
  attachUpgrade(app.server, {
    routes: [
      createToolkitGateway({ store, bus, delivery, processes, staleTools, limits, dev, logger }),
      createLlmGateway({ router, contexts, limits, logger }),
      ...(legacy ? await createLegacyWire({ app, service, store, bus, delivery, inbox, limits, logger }) : []),
    ],
    admission,
    addressOf,
    limits,
    watch,
    checkOrigin,
    isDraining: () => draining,
    newId,
    logger,
  })
  await bus.subscribe('key.revoked', ({ keyId }) => {
    keys.forget(keyId)
    admission.closeKey(keyId)
    sessions.closeKey(keyId)
    requests.closeKey(keyId)
  })
  const revocations = watchRevocations({ keys: store.keys, bus, logger })
  opened.add(() => revocations.stop())

  const projectId = async (): Promise<string> => (await store.projects.ensure(defaultProject, Date.now())).id

  async function open(): Promise<{ url: string }> {
    await calls.restore()
    await app.listen({ host, port }).catch((error: unknown) => {
      throw listenError(error, host, port)
    })
    const bound = app.server.address() as AddressInfo
    const url = `http://${urlHost(host)}:${bound.port}`
    if (options.dev && databaseUrl !== undefined) prepareDataFolder(dataDir)
    if (options.dev) devKeys = await ensureDevKeys(dataDir, url, await projectId(), keys)
    logger.info('server.listening', { url, dataDir })
    return { url }
  }
  let opening: Promise<{ url: string }> | undefined

  async function closeDoors(graceMs: number): Promise<void> {
    draining = true
    // A port that is about to be taken cannot be given back yet.
    await opening?.catch(() => {})
    logger.info('server.draining', { calls: router.inFlight, sockets: watch.size })
    const drained = router.drain()
    // A toolkit that polls would wait for calls that do not come any more; its answers are taken.
    sessions.drain(graceMs)
    inbox.stopPolls()
    for (const socket of watch.sockets) socket.drain(graceMs)
    await settledWithin(drained, graceMs)
    // Before the sockets close, in whatever order they do: each caller hears of its one outcome.
    await router.endAll()
    queries.stop()
    delivery.stop()
    recent.close()
    await callLog.flush()
    await closeSockets(watch)
    const closed = app.close().then(() => {})
    // Answers may still be on their way; a connection that only sits there must not hold the process.
    await settledWithin(closed, 1_000)
    app.server.closeAllConnections()
    await closed
  }

  async function shutDown(graceMs: number): Promise<void> {
    try {
      await closeDoors(graceMs)
    } finally {
      // Whatever went wrong, the store is given back, and whoever waits for the end hears of it.
      try {
        await opened.run()
        logger.info('server.stopped', {})
      } finally {
        ended.resolve(lost)
      }
    }
  }
  let closing: Promise<void> | undefined
  let listening: Promise<{ url: string }> | undefined

  const built: AtpServer = {
    async listen() {
      if (closing !== undefined)
        throw lost ?? new AtpError('server_shutting_down', 'The server was closed; create another one')
      if (listening !== undefined) return listening
      opening = open()
      listening = opening.catch(async (error: unknown) => {
        // What keeps the rest from closing is less worth knowing than why nobody can connect.
        await built.close(0).catch(() => {})
        throw error
      })
      return listening
    },
    get devKeys() {
      return devKeys
    },
    async createKey(request) {
      return keys.create({ projectId: await projectId(), ...request })
    },
    async isValidKey(key, kind) {
      return keys.authenticate(key, [kind]).then(
        () => true,
        () => false,
      )
    },
    close(graceMs = defaultGraceMs) {
      closing ??= shutDown(graceMs)
      return closing
    },
    ended: ended.promise,
  }
  server = built
  // Taken over while it was being built.
  if (lost !== undefined) await built.close(0)
  return built
}
