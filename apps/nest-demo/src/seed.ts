import { hashPassword } from './customers/passwords.ts'
import type { Database } from './database.ts'

const parts = [
  ['chain-11', 'Chain, 11 speed', 2450, 40],
  ['cassette-11', 'Cassette, 11 speed, 11-34', 5900, 12],
  ['tyre-700-28', 'Tyre, 700 x 28', 3200, 30],
  ['tube-700', 'Inner tube, 700 x 25-32', 550, 120],
  ['pads-disc', 'Brake pads, disc', 1400, 3],
] as const

/** Fills an empty database: parts, two customers, and an order that waits. */
export function seed(database: Database): void {
  for (const part of parts) database.change('insert into parts values (?, ?, ?, ?)', ...part)
  const customer = 'insert into customers values (?, ?, ?, ?)'
  database.change(customer, 'c-ines', 'ines@example.com', 'Ines', hashPassword('lock-ring'))
  database.change(customer, 'c-omar', 'omar@example.com', 'Omar', hashPassword('star-nut'))
  database.change("insert into orders values (1001, 'c-omar', 'placed', null)")
  database.change("insert into order_lines values (1001, 'tyre-700-28', 2, 3200), (1001, 'tube-700', 4, 550)")
}
