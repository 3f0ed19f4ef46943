import { type ClientConfig, types } from 'pg'
import type { DatabaseAddress } from './database-url.ts'

/** What every connection of a store is set to. */
export interface SessionOptions {
  schema: string
  /** Names the connections of one store, so that it can find those it lost sight of. */
  name: string
  /** How long the database works on one statement, in milliseconds; 0 for any time. */
  statementTimeoutMs: number
}

/**
 * The statements that begin a session. Sent as SQL and not as parameters of the connection, because proxies for
 * connections refuse parameters they do not know.
 */
export function sessionSql({ schema, name, statementTimeoutMs }: SessionOptions): string {
  return [
    `set application_name = '${name}'`,
    `set search_path = "${schema}"`,
    `set statement_timeout = ${statementTimeoutMs}`,
    // A transaction whose client is gone must not hold its row locks for hours.
    'set idle_in_transaction_session_timeout = 10000',
    "set default_transaction_isolation = 'read committed'",
    // The database notices within half a minute that a machine vanished, and lets go of what that held.
    'set tcp_keepalives_idle = 10',
    'set tcp_keepalives_interval = 5',
    'set tcp_keepalives_count = 3',
    // Rule D1, also where role or database say otherwise. Anything stronger than "on" stays.
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
  ].join('; ')
}

/** How to connect. Whoever needs an answer sooner than TCP gives up has a timer of its own. */
export function connectionConfig(address: DatabaseAddress, connectTimeoutMs: number): ClientConfig {
  return {
    ...address.config,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  }
}

/** Times are `bigint` columns, and safe integers all of them: numbers, where the driver would give texts. */
const getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === types.builtins.INT8 && format !== 'binary'
    ? Number
    : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser
