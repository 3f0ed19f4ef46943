import { setImmediate } from 'node:timers/promises'
import { isAtpError } from '@atp/core'
import type { FolderEntry, FolderView } from './confined-folder.ts'
import { isBinary, toText } from './text/text-lines.ts'

/** One file of a scan. */
export interface ScannedFile {
  path: string
  size: number
  modifiedMs: number
  /** Its content; undefined for what is no text or larger than 1 MiB. */
  text: string | undefined
  kind: 'text' | 'binary' | 'large'
}

/** How files are scanned. */
export interface ScanOptions {
  signal: AbortSignal
  /** Only paths that it says yes to. */
  include?: ((path: string) => boolean) | undefined
  /** Called after every hundredth file. */
  onProgress?: ((files: number) => void) | undefined
  /** @default 20_000 */
  maxFiles?: number
  /** How much is read altogether. @default 268_435_456 */
  maxBytes?: number
}

/** How a scan went. Numbers grow while it runs. */
export interface ScanReport {
  files: number
  /** Files that could not be opened or were replaced meanwhile. */
  unreadableFiles: number
  /** Whether there were more files than a scan may read. */
  stoppedEarly: boolean
}

/**
 * Reads the files below a folder, or the one file, one after another in the order of a walk, so that memory stays
 * small and a cancel takes effect at once.
 */
export async function* scanFiles(
  view: FolderView,
  start: FolderEntry,
  report: ScanReport,
  options: ScanOptions,
): AsyncGenerator<ScannedFile, void, void> {
  const { signal, include, onProgress, maxFiles = 20_000, maxBytes = 268_435_456 } = options
  let bytes = 0
  for await (const entry of start.type === 'file' ? [start] : view.walk(start, { signal })) {
    signal.throwIfAborted()
    if (entry.type !== 'file' || (entry !== start && include && !include(entry.path))) continue
    if (report.files >= maxFiles || bytes >= maxBytes) {
      report.stoppedEarly = true
      return
    }
    const file = await readEntry(view, entry)
    report.files += 1
    if (report.files % 100 === 0) onProgress?.(report.files)
    if (file === undefined) {
      report.unreadableFiles += 1
      continue
    }
    if (file.text !== undefined) bytes += file.size
    yield file
  }
}

/** A report of a scan that has not begun. */
export function newScanReport(): ScanReport {
  return { files: 0, unreadableFiles: 0, stoppedEarly: false }
}

/** Lets other calls and a cancel through during long computing. */
export class Breather {
  #last: number = performance.now()

  /** Waits for one turn of the event loop when the last was more than 25 ms ago. @throws the signal's reason */
  async breathe(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#last < 25) return
    await setImmediate()
    this.#last = performance.now()
    signal.throwIfAborted()
  }
}

async function readEntry(view: FolderView, entry: FolderEntry): Promise<ScannedFile | undefined> {
  try {
    const { bytes, size, modifiedMs } = await view.readFile(entry, true)
    const kind = bytes === undefined ? 'large' : isBinary(bytes) ? 'binary' : 'text'
    const text = bytes !== undefined && kind === 'text' ? toText(bytes) : undefined
    return { path: entry.path, size, modifiedMs, text, kind }
  } catch (error) {
    if (isAtpError(error)) return undefined
    throw error
  }
}
