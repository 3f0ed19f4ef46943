import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type LedgerEntry, type NewEntry, parseEntry } from './ledger-entry.ts'

/** A file that only grows. */
export interface Ledger {
  /** Writes an entry; it is there when this returns, whatever happens to the process then. */
  write(entry: NewEntry, at?: number): void
  close(): void
}

const ending = '.ndjson'

/** The clock of all ledgers, in milliseconds: finer than `Date.now`, and the same in all processes of a machine. */
export function ledgerNow(): number {
  return performance.timeOrigin + performance.now()
}

/** Opens the ledger of one process; a process that starts again under a name goes on in its file. */
export function openLedger(folder: string, by: string): Ledger {
  const file = openSync(join(folder, by + ending), 'a')
  return {
    write(entry, at = ledgerNow()) {
      writeSync(file, `${JSON.stringify({ ...entry, at, by })}\n`)
    },
    close: () => closeSync(file),
  }
}

/**
 * Merges all ledgers of a folder, in the order of time. A last line that was cut off by a kill is dropped.
 * @throws ZodError when another line cannot be read
 */
export function readLedgers(folder: string): LedgerEntry[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(ending))
  const entries = files.flatMap((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    lines.pop()
    return lines.map(parseEntry)
  })
  return entries.sort((a, b) => a.at - b.at)
}
