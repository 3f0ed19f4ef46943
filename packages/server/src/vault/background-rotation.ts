import { isAtpError, type Logger } from '@atp/core'
import type { Store } from '../store/store.ts'
import type { MasterKeys } from './master-keys.ts'
import { rotateVault } from './rotate-vault.ts'
import type { Vault } from './vault.ts'

/** What {@link startRotation} needs. */
export interface BackgroundRotationOptions {
  store: Pick<Store, 'dataKeys' | 'secrets'>
  vault: Vault
  masterKeys: MasterKeys
  logger: Logger
  /** How long to wait before another attempt when the store is away, in milliseconds. @default 5_000 */
  retryMs?: number | undefined
}

/**
 * Begins to finish what a rotation left, or what a new master key asks for, beside everything else a server does.
 * `stop` ends it between two changes.
 */
export function startRotation(options: BackgroundRotationOptions): { stop(): Promise<void> } {
  const { logger, retryMs = 5_000 } = options
  const ending = new AbortController()
  const { signal } = ending

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const report = await rotateVault({ ...options, signal })
        const { wrapped, encrypted, removed, unreadable } = report
        if (wrapped + encrypted + removed > 0) logger.info('vault.rotated', { ...report })
        if (unreadable > 0) logger.error('vault.unreadable', { unreadable })
        return
      } catch (error) {
        if (signal.aborted) return
        const away = isAtpError(error) && error.code === 'store_unavailable'
        logger[away ? 'debug' : 'error']('vault.not_rotated', { error: String(error) })
        if (!away) return
        await pause(retryMs, signal)
      }
    }
  }
  const running = run()

  return {
    async stop() {
      ending.abort()
      await running
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
