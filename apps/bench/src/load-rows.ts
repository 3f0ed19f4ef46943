import { readdir } from 'node:fs/promises'
import { extname } from 'node:path'
import type { BenchRow } from './bench-row.ts'

/** The order of the table; rows of other files follow by name. */
const firstIds = ['hub', 'startup', 'idle']

/**
 * All rows of `rows/`: one file, one row, found by looking into the folder.
 * @throws Error naming a file that exports no `row`
 */
export async function loadRows(): Promise<BenchRow[]> {
  const folder = new URL('./rows/', import.meta.url)
  // The same extension as this file: .ts from the sources, .js when built, never a .d.ts beside it.
  const extension = extname(import.meta.filename)
  const files = (await readdir(folder)).filter((name) => name.endsWith(extension) && !name.endsWith(`.d${extension}`))
  const rows = await Promise.all(
    files.map(async (name) => {
      const { row } = (await import(new URL(name, folder).href)) as { row?: BenchRow }
      if (row === undefined) throw new Error(`rows/${name} exports no "row"; every file there must`)
      return row
    }),
  )
  const place = (row: BenchRow): number => (firstIds.includes(row.id) ? firstIds.indexOf(row.id) : firstIds.length)
  return rows.sort((a, b) => place(a) - place(b) || a.id.localeCompare(b.id))
}
