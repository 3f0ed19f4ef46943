import { DatabaseSync } from 'node:sqlite'
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { seed } from './seed.ts'
import { type Settings, settingsToken } from './settings.ts'

const schema = `
  pragma journal_mode = WAL;
  pragma foreign_keys = ON;
  create table if not exists parts (
    sku text primary key, name text not null, price_pence integer not null, stock integer not null check (stock >= 0)
  ) strict;
  create table if not exists customers (
    id text primary key, email text not null unique, name text not null, password_hash text not null
  ) strict;
  create table if not exists sessions (
    token_hash text primary key, customer_id text not null references customers (id)
  ) strict;
  create table if not exists orders (
    id integer primary key, customer_id text not null references customers (id),
    status text not null check (status in ('placed', 'picked', 'shipped', 'cancelled')), handled_by text
  ) strict;
  create table if not exists order_lines (
    order_id integer not null references orders (id), sku text not null references parts (sku),
    quantity integer not null, price_pence integer not null, primary key (order_id, sku)
  ) strict;
`

/** The SQLite file, open as long as the app runs. */
@Injectable()
export class Database implements OnApplicationShutdown {
  private readonly connection: DatabaseSync

  constructor(@Inject(settingsToken) { databasePath }: Settings) {
    this.connection = new DatabaseSync(databasePath)
    this.connection.exec(schema)
    if (this.rows('select 1 from parts limit 1').length === 0) this.transaction(() => seed(this))
  }

  rows<Row = Record<string, unknown>>(sql: string, ...values: (string | number)[]): Row[] {
    return this.connection.prepare(sql).all(...values) as Row[]
  }

  /** Returns how many rows changed. */
  change(sql: string, ...values: (string | number)[]): number {
    return Number(this.connection.prepare(sql).run(...values).changes)
  }

  /** All of it or nothing. The work must be synchronous. */
  transaction<T>(work: () => T): T {
    this.connection.exec('begin immediate')
    try {
      const result = work()
      this.connection.exec('commit')
      return result
    } catch (error) {
      this.connection.exec('rollback')
      throw error
    }
  }

  onApplicationShutdown(): void {
    this.connection.close()
  }
}
