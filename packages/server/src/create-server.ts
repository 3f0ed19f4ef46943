import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { AtpError, type Logger } from '@atp/core'
import { closeCodes, encodeFrame } from '@atp/core/protocol'
import type { FastifyRequest } from 'fastify'
import { createMemoryBus } from './bus/memory.ts'
import { CallLog } from './calls/call-log.ts'
import { CallRouter } from './calls/call-router.ts'
import { createContextService } from './calls/context-service.ts'
import { ToolNames } from './calls/tool-names.ts'
import { ToolkitDirectory } from './calls/toolkit-directory.ts'
import { SocketDelivery } from './delivery/socket.ts'
import { type DevKeys, ensureDevKeys } from './dev-keys.ts'
import { registerAdminHttp } from './gateway/admin-http.ts'
import { bearerKey } from './gateway/bearer.ts'
import { registerHealthHttp } from './gateway/health-http.ts'
import { createHttpApp } from './gateway/http-app.ts'
import { registerLlmHttp } from './gateway/llm-http.ts'
import { createLlmGateway } from './gateway/llm-socket.ts'
import { createOriginGuard, isLoopbackName } from './gateway/origin-guard.ts'
import { SocketWatch } from './gateway/socket-watch.ts'
import { StaleTools } from './gateway/stale-tools.ts'
import { createToolkitGateway } from './gateway/toolkit-socket.ts'
import { attachUpgrade } from './gateway/upgrade.ts'
import { createEndpointSecrets } from './keys/endpoint-secret.ts'
import { newId } from './keys/ids.ts'
import { createKeyService } from './keys/key-service.ts'
import { watchRevocations } from './keys/revocation-watch.ts'
import { defaultLimits, type ServerLimits } from './limits.ts'
import { createPinoLogger, type LogLevel } from './logging/pino-logger.ts'
import { openStore } from './store/open-store.ts'
import { prepareDataFolder } from './store/sqlite/data-folder.ts'
import type { KeyKind, StoredKey } from './store/store.ts'
import { startRotation } from './vault/background-rotation.ts'
import { openVault, readMasterKeys } from './vault/open-vault.ts'
import type { Vault } from './vault/vault.ts'

/** Where a server listens when nothing else is said. */
export const defaultPort = 4870

/** How a server is made. */
export interface ServerOptions {
  /** The data folder; made when it is needed and not there. */
  dataDir: string
  /**
   * Keeps everything in a PostgreSQL database instead: `postgres://user:password@host:port/database`, with `?schema=`
   * (default `atp`) and `pool_size=` (default 10). The data folder then holds the files of a development server only.
   */
  databaseUrl?: string | undefined
  /** @default '127.0.0.1' */
  host?: string | undefined
  /** 0 takes a free one. @default 4870 */
  port?: number | undefined
  /** Makes a default project with keys in `dev-keys.json`; only on a loopback host. @default false */
  dev?: boolean | undefined
  /** Allows `dev` on other hosts. @default false */
  devAllowRemote?: boolean | undefined
  /**
   * The keys that encrypt the secrets of the server, as in `ATP_ENCRYPTION_KEYS`: `id:base64` entries, the newest first.
   * Needed unless `dev` is set, which makes one in the file `encryption-keys` of the data folder.
   */
  encryptionKeys?: string | undefined
  /** Web origins whose pages may use the server. @default none */
  allowedOrigins?: readonly string[] | undefined
  limits?: Partial<ServerLimits> | undefined
  /** @default 'info' */
  logLevel?: LogLevel | undefined
  /** Takes the place of the server's own JSON lines on stderr. */
  logger?: Logger | undefined
}

/** A running, or about to run, server. */
export interface AtpServer {
  /**
   * Starts taking connections.
   * @throws AtpError `port_in_use` or `invalid_config`
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

/** With the spread below and the closing of files it stays inside the 25 s a process has to end (rule S1). */
const defaultGraceMs = 17_000

/** How long running calls may take when another server has taken over already. */
const lostGraceMs = 5_000

/** Sockets are closed over this long, so that their peers do not all come back at once (rule S1). */
const closeSpreadMs = 5_000

/**
 * Opens the data folder or the database and builds a server on it; `listen` starts it.
 * @throws AtpError `invalid_config`, also when there is no encryption key, and what `openStore` throws
 */
export async function createServer(options: ServerOptions): Promise<AtpServer> {
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
      void server?.close(lostGraceMs)
    },
  })
  let vault: Vault
  try {
    vault = await openVault({ store, masterKeys, dev, logger })
    await store.secrets.removeOfEndedKeys(Date.now())
  } catch (error) {
    await store.close()
    throw error
  }
  const rotation = startRotation({ store, vault, masterKeys, logger })
  const endpointSecrets = createEndpointSecrets({ store, vault, logger })
  const bus = createMemoryBus(logger)
  const keys = createKeyService({
    store,
    onRevoked: (key) => void bus.publish('key.revoked', { keyId: key.id }),
    onSeen: endpointSecrets.see,
  })
  directory = await ToolkitDirectory.create(store.toolkits, bus)
  const delivery = new SocketDelivery()
  const callLog = new CallLog({ store: store.calls, logger })
  const toolNames = new ToolNames()
  const router = new CallRouter({
    directory,
    toolNames,
    delivery,
    log: callLog,
    newId,
    maxInFlightPerKey: limits.callsInFlightPerKey,
  })
  const contexts = createContextService(directory, toolNames)
  const watch = new SocketWatch(limits)
  const staleTools = new StaleTools({ store: store.toolkits, bus, delivery, logger, delayMs: limits.staleToolMs })
  const checkOrigin = createOriginGuard({ allowedOrigins: options.allowedOrigins ?? [], loopback })
  const app = createHttpApp({ limits, newId, checkOrigin, logger })
  const authenticate = (request: FastifyRequest, kind: KeyKind): Promise<StoredKey> =>
    keys.authenticate(bearerKey(request.headers.authorization) ?? '', [kind])
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
  registerLlmHttp(app, { router, contexts, limits, logger }, authenticate)
  registerAdminHttp(app, { store, keys, delivery, authenticate, flushCalls: () => callLog.flush() })
  const sockets = attachUpgrade(app.server, {
    routes: [
      createToolkitGateway({ store, bus, delivery, staleTools, limits, logger }),
      createLlmGateway({ router, contexts, limits, logger }),
    ],
    keys,
    limits,
    watch,
    checkOrigin,
    isDraining: () => draining,
    logger,
  })
  await bus.subscribe('key.revoked', ({ keyId }) => sockets.closeKey(keyId))
  const revocations = watchRevocations({ keys: store.keys, bus, logger })

  const projectId = async (): Promise<string> => (await store.projects.ensure(defaultProject, Date.now())).id

  async function shutDown(graceMs: number): Promise<void> {
    draining = true
    logger.info('server.draining', { calls: router.inFlight, sockets: watch.size })
    const drained = router.drain()
    for (const socket of watch.sockets) socket.send(encodeFrame({ type: 'drain', deadlineMs: graceMs }))
    await settledWithin(drained, graceMs)
    // Before the sockets close, in whatever order they do: each caller hears of its one outcome.
    router.endAll()
    await callLog.flush()
    await closeSockets(watch)
    const closed = app.close().then(() => {})
    // Answers may still be on their way; a connection that only sits there must not hold the process.
    await settledWithin(closed, 1_000)
    app.server.closeAllConnections()
    await closed
    watch.stop()
    staleTools.stop()
    revocations.stop()
    await callLog.close()
    await bus.close()
    await rotation.stop()
    await endpointSecrets.settled()
    await store.close()
    logger.info('server.stopped', {})
    ended.resolve(lost)
  }
  let closing: Promise<void> | undefined

  const built: AtpServer = {
    async listen() {
      try {
        await app.listen({ host, port })
      } catch (error) {
        await built.close(0)
        throw listenError(error, host, port)
      }
      const bound = app.server.address() as AddressInfo
      const url = `http://${urlHost(host)}:${bound.port}`
      try {
        if (options.dev && databaseUrl !== undefined) prepareDataFolder(dataDir)
        if (options.dev) devKeys = await ensureDevKeys(dataDir, url, await projectId(), keys)
      } catch (error) {
        await built.close(0)
        throw error
      }
      logger.info('server.listening', { url, dataDir })
      return { url }
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
  if (lost !== undefined) void built.close(0)
  return built
}

/** Closes all sockets, spread over a few seconds when there are many. */
async function closeSockets(watch: SocketWatch): Promise<void> {
  const open = [...watch.sockets]
  const spreadMs = Math.min(closeSpreadMs, open.length * 5)
  await Promise.all(
    open.map(async (socket) => {
      await new Promise((done) => setTimeout(done, Math.random() * spreadMs))
      socket.close(closeCodes.serviceRestart, 'the server restarts')
    }),
  )
  // A peer that does not answer the closing handshake must not hold the process.
  const deadline = performance.now() + 1_000
  while (watch.size > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 10))
  for (const socket of [...watch.sockets]) socket.terminate()
}

async function settledWithin(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, ms)
  })
  await Promise.race([promise, late])
  clearTimeout(timer)
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

function listenError(error: unknown, host: string, port: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new AtpError(
      'port_in_use',
      `Port ${port} on ${host} is in use; stop what uses it or choose another one with --port (or PORT)`,
    )
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new AtpError('invalid_config', `Cannot listen on ${host}:${port}: ${message}`, { cause: error })
  }
  return error
}
