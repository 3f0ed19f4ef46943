import type { RawBuilder } from 'kysely'

/**
 * What databases write in different ways, for statements about many rows. Their text is the same however many rows there
 * are: a parameter for each value would be another statement for each number of rows, and there may only be so many.
 */
export interface BatchSql {
  /**
   * Rows as something to select from, named `alias`. Each row has its values in the order of `columns`.
   */
  table(alias: string, columns: BatchColumns, rows: readonly BatchRow[]): RawBuilder<unknown>
  /** What follows an expression in a condition: it is one of these texts. */
  among(values: readonly string[]): RawBuilder<unknown>
  /**
   * What follows a select that locks its rows until the transaction ends. Empty where a transaction that writes has the
   * database for itself.
   */
  readonly locks: {
    /** Nobody else changes or locks the rows. */
    update: RawBuilder<unknown>
    /** As `update`, and rows that somebody else locked are left out (rule D3). */
    updateSkipLocked: RawBuilder<unknown>
    /** Nobody changes the rows. */
    share: RawBuilder<unknown>
  }
}

/** Names and types of columns, in order. */
export type BatchColumns = Readonly<Record<string, ColumnType>>

/** What a column of a batch holds. */
export type ColumnType = 'text' | 'bigint'

/** The values of a row. */
export type BatchRow = readonly (string | number | null)[]
