import { statSync } from 'node:fs'

/** What changes whenever a file is written or replaced; empty when there is no such file. */
export function stampOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats?.isFile() ? `${stats.ino}:${stats.size}:${stats.mtimeNs}` : ''
  } catch {
    return ''
  }
}
