import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { stampOf } from './file-stamp.ts'

/** How a {@link FileWatcher} waits. */
export interface WatcherOptions {
  /** How long nothing may happen before a change is told: editors write in several steps. @default 80 */
  settleMs?: number
  /** How often all files are looked at, where the system does not tell of changes. @default 1_000 */
  pollMs?: number
}

/**
 * Tells when one of some files is not what it was. Folders are watched, not files: editors put a new file in the place
 * of the old one, and a file that is missing may come. What the system tells is only a reason to look: network drives
 * and mounts tell nothing, and a folder that was moved away tells it once, so all files are looked at once a second too.
 */
export class FileWatcher {
  readonly #onChange: (files: string[]) => void
  readonly #settleMs: number
  readonly #poll: ReturnType<typeof setInterval>
  readonly #stamps = new Map<string, string>()
  readonly #folders = new Map<string, FSWatcher>()
  #settling: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(onChange: (files: string[]) => void, { settleMs = 80, pollMs = 1_000 }: WatcherOptions = {}) {
    this.#onChange = onChange
    this.#settleMs = settleMs
    this.#poll = setInterval(() => this.#look(), pollMs)
  }

  /** Watches exactly these files. A stamp says in what state a file is known; one that has changed since is told. */
  replace(stamps: ReadonlyMap<string, string>): void {
    this.#stamps.clear()
    for (const [file, stamp] of stamps) this.#stamps.set(file, stamp)
    const wanted = new Set([...stamps.keys()].map((file) => dirname(file)))
    for (const [folder, watcher] of this.#folders) {
      if (wanted.has(folder)) continue
      watcher.close()
      this.#folders.delete(folder)
    }
    this.#look()
  }

  /** Watches one more file. */
  add(file: string, stamp: string): void {
    if (this.#closed) return
    this.#stamps.set(file, stamp)
    this.#watchFolder(dirname(file))
  }

  /** Idempotent; nothing is told after it. */
  close(): void {
    this.#closed = true
    clearInterval(this.#poll)
    clearTimeout(this.#settling)
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #look(): void {
    if (this.#closed) return
    for (const file of this.#stamps.keys()) this.#watchFolder(dirname(file))
    if (this.#changedFiles().length > 0) this.#settle()
  }

  /** Each event begins the wait anew. */
  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      const changed = this.#changedFiles()
      for (const file of changed) this.#stamps.set(file, stampOf(file))
      if (changed.length > 0) this.#onChange(changed)
    }, this.#settleMs)
  }

  #changedFiles(): string[] {
    return [...this.#stamps].filter(([file, stamp]) => stampOf(file) !== stamp).map(([file]) => file)
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return
    try {
      const watcher = watch(folder, (event, name) => {
        // The folder itself was moved or removed: what comes in its place is watched at the next look.
        const isGone = event === 'rename' && name === basename(folder)
        if (isGone) this.#forget(folder, watcher)
        if (isGone || name === null || this.#stamps.has(join(folder, name))) this.#settle()
      })
      watcher.on('error', () => this.#forget(folder, watcher))
      this.#folders.set(folder, watcher)
    } catch {
      // Not there, or more watchers than the system allows: looking once a second has to do.
    }
  }

  #forget(folder: string, watcher: FSWatcher): void {
    watcher.close()
    if (this.#folders.get(folder) === watcher) this.#folders.delete(folder)
  }
}
