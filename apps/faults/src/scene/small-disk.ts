import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LeftOut } from '../fault.ts'

/** A file system of its own that is soon full. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Takes every byte that is left. */
  fill(): void
  /** Gives back what `fill` took. */
  free(): void
}

/** Mounts a file system in memory. @throws LeftOut where this process may not mount anything */
export function mountSmallDisk(megabytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'atp-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    rmSync(path, { recursive: true })
    throw new LeftOut(`this process may not mount a small file system: ${String(error).split('\n')[0]}`)
  }
  const ballast = join(path, 'ballast')
  const unmount = (): void => {
    process.off('exit', unmount)
    // Lazily: a server that is about to end may still hold a file open.
    execFileSync('umount', ['--lazy', path], { stdio: 'pipe' })
    rmSync(path, { recursive: true, force: true })
  }
  process.once('exit', unmount)
  return {
    path,
    fill() {
      const file = openSync(ballast, 'a')
      try {
        // In ever smaller pieces, down to the last byte.
        for (let size = 1_048_576; size >= 1; size /= 4) {
          try {
            for (;;) writeSync(file, Buffer.alloc(size))
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          }
        }
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]: unmount,
  }
}
