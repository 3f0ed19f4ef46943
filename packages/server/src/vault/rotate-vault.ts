import { isAtpError } from '@atp/core'
import type { DataKeySummary, SecretAddress, Store } from '../store/store.ts'
import type { MasterKeys } from './master-keys.ts'
import type { Vault } from './vault.ts'

/** What {@link rotateVault} works with. */
export interface RotationOptions {
  store: Pick<Store, 'dataKeys' | 'secrets'>
  vault: Vault
  masterKeys: MasterKeys
  /**
   * Retires the data keys in use first, so that every secret gets another one. Where an earlier rotation has not ended,
   * only that one is finished. @default false
   */
  dataKeys?: boolean | undefined
  /** How many secrets are read at a time. @default 50 */
  batchSize?: number | undefined
  /** Ends the work between two changes; what is left is done by the next rotation. */
  signal?: AbortSignal | undefined
  /** Milliseconds since 1970. @default `Date.now` */
  now?: (() => number) | undefined
}

/** What a rotation did, and what it could not do. */
export interface RotationReport {
  /** Data keys that the newest master key wraps now. */
  wrapped: number
  /** Data keys that were taken out of use. */
  retired: number
  /** Secrets that another data key encrypts now. */
  encrypted: number
  /** Data keys that were deleted, because nothing needs them any more. */
  removed: number
  /**
   * Retired data keys that stay, because stored calls or their outcomes are sealed under them: those are not encrypted
   * anew, as they are forgotten soon, and the store deletes the keys with the last of them.
   */
  kept: number
  /** Data keys and secrets that could not be read, and stay as they are. */
  unreadable: number
}

/**
 * Brings the vault to its newest keys: wraps every data key with the newest master key, gives the secrets of retired
 * data keys the one in use, and deletes those unless stored calls need them. Each change is committed by itself and only where nothing changed
 * meanwhile, so that reads and writes go on, several processes may do this at once, and one that is killed is continued
 * by the next (rule V4). What cannot be read is left and counted.
 */
export async function rotateVault(options: RotationOptions): Promise<RotationReport> {
  const { store, vault, masterKeys, signal, now = Date.now } = options
  const report: RotationReport = { wrapped: 0, retired: 0, encrypted: 0, removed: 0, kept: 0, unreadable: 0 }
  const before = await store.dataKeys.summarize()

  for (const { projectId, id, masterKeyId } of before) {
    if (signal?.aborted) return report
    if (masterKeyId === masterKeys.newest.id) continue
    await countUnreadable(report, async () => {
      if (await vault.rewrap(projectId, id)) report.wrapped += 1
    })
  }
  if (options.dataKeys && !before.some(isUnfinished)) {
    report.retired = await store.dataKeys.retireAll(now())
  }
  for (const { projectId, id, retiredAt } of await store.dataKeys.summarize()) {
    if (signal?.aborted) return report
    if (retiredAt !== null) await emptyDataKey(options, report, projectId, id)
  }
  report.kept = (await store.dataKeys.summarize()).filter(waitsForCalls).length
  return report
}

/** Whether an earlier rotation has still something to do with a key. */
function isUnfinished(key: DataKeySummary): boolean {
  return key.retiredAt !== null && !waitsForCalls(key)
}

/** Whether nothing but stored calls keeps a retired key. */
function waitsForCalls({ retiredAt, secrets, calls }: DataKeySummary): boolean {
  return retiredAt !== null && secrets === 0 && calls
}

const defaultBatchSize = 50

/** A write that began before the key was retired may end after a pass; the second one finds it. */
const maxPasses = 3

async function emptyDataKey(
  { store, vault, signal, batchSize = defaultBatchSize }: RotationOptions,
  report: RotationReport,
  projectId: string,
  id: string,
): Promise<void> {
  for (let pass = 0; pass < maxPasses; pass += 1) {
    const unreadableBefore = report.unreadable
    let after: SecretAddress | undefined
    for (;;) {
      const batch = await store.secrets.listByDataKey(projectId, id, batchSize, after)
      for (const secret of batch) {
        if (signal?.aborted) return
        await countUnreadable(report, async () => {
          if (await vault.reencrypt(secret)) report.encrypted += 1
        })
      }
      after = batch.at(-1)
      if (after === undefined) break
    }
    if (await store.dataKeys.removeUnused(projectId, id)) {
      report.removed += 1
      return
    }
    if (report.unreadable > unreadableBefore) return
  }
}

async function countUnreadable(report: RotationReport, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isAtpError(error) || error.code !== 'vault_unreadable') throw error
    report.unreadable += 1
  }
}
