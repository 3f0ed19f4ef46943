import type { RawBuilder } from 'kysely'

/** The types of columns that databases write in different ways; the others are the same for all. */
export interface ColumnTypes {
  /** Any text, compared and ordered by its bytes. */
  text: 'text' | RawBuilder<unknown>
}
