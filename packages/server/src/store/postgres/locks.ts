import { createHash } from 'node:crypto'

/**
 * The key of an advisory lock: one for each purpose and schema, as those locks belong to a whole database. A `bigint`
 * in decimal.
 */
export function lockKey(purpose: 'server' | 'migration', schema: string): string {
  return createHash('sha256').update(`atp ${purpose} ${schema}`).digest().readBigInt64BE().toString()
}

/** Takes the lock `$1` for the session unless somebody has it. */
export const tryLockSql = 'select pg_try_advisory_lock($1::bigint) as taken'

/** The name of the session that holds the lock `$1`; null for one of another user, no row when it is free. */
export const lockHolderSql = `
  select activity.application_name as name
  from pg_locks lock left join pg_stat_activity activity on activity.pid = lock.pid
  where lock.locktype = 'advisory' and lock.granted and lock.objsubid = 1
    and lock.database = (select oid from pg_database where datname = current_database())
    and (lock.classid::bigint << 32) | lock.objid::bigint = $1::bigint`

/** Ends all other sessions named `$1`. */
export const endSessionsSql = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where application_name = $1 and datname = current_database() and pid <> pg_backend_pid()`
