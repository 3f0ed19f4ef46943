import type { AtpError, Logger } from '@atp/core'
import { openSqliteStore } from './sqlite.ts'
import type { Store } from './store.ts'

/** Where a store lies. */
export interface StorePlace {
  /** The data folder: holds the store unless there is a `databaseUrl`. */
  dataDir: string
  /** `postgres://user:password@host:port/database`, with `?schema=` (default `atp`) and `pool_size=` (default 10). */
  databaseUrl?: string | undefined
}

/** Who opens a store, and what for. */
export interface OpenStoreOptions extends StorePlace {
  /** Takes the place for this server alone. A command that works beside a running server says false. */
  serve: boolean
  logger: Logger
  /** Whether tables are made in a database where there are none; a folder is always made. @default true */
  create?: boolean | undefined
  /** The database was gone and is back: what is remembered of it may be outdated. */
  onRecovered?: (() => void) | undefined
  /** Another server took over while the database was out of reach: this one must stop. */
  onLost?: ((error: AtpError) => void) | undefined
}

/**
 * Opens a store, made or brought up to date where needed.
 * @throws AtpError `invalid_config`, `database_too_new`, and for a folder `data_folder_unusable` or
 * `data_folder_in_use`, for a database `database_unusable` or `database_in_use`
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { dataDir, databaseUrl, ...rest } = options
  if (databaseUrl === undefined) return openSqliteStore({ folder: dataDir, serve: rest.serve, logger: rest.logger })
  // Its driver is loaded only where it is used: a server on a folder starts sooner without.
  const { openPostgresStore } = await import('./postgres.ts')
  return openPostgresStore({ url: databaseUrl, ...rest })
}
