import { readFile } from 'node:fs/promises'
import * as z from 'zod'

/** A currency and its rate. */
export interface Currency {
  readonly code: string
  readonly name: string
  /** How many decimals its smallest coin has. */
  readonly decimals: number
  /** How much of it one unit of the base buys. */
  readonly rate: number
}

/** The rates of one day. */
export interface RatesTable {
  /** The day the rates are of. */
  readonly date: string
  /** The currency that rates are told in. */
  readonly base: string
  readonly currencies: ReadonlyMap<string, Currency>
}

/** The rates as they are now, and for how long they have been in memory. */
export interface CurrentRates {
  readonly table: RatesTable
  readonly ageMs: number
}

/** How {@link RatesCache} is made. */
export interface RatesCacheOptions {
  /** The file the table is read from. @default the one that comes with this app */
  file?: URL | string | undefined
  /** After how long the file is read again, in milliseconds. @default 600_000 */
  maxAgeMs?: number | undefined
  /** The clock, in milliseconds. */
  now?: (() => number) | undefined
  /** Hears why a file could not be read again while an older table is still there. */
  onStale?: ((error: unknown) => void) | undefined
}

/** A conversion and what it was made with. */
export interface Conversion {
  readonly amount: number
  readonly from: string
  readonly to: string
  /** How much of `to` one unit of `from` buys, to six digits. */
  readonly rate: number
  /** Rounded to the smallest coin of `to`. */
  readonly result: number
}

/** The table of rates, kept in memory and read again once it is too old. Requests that come meanwhile wait together. */
export class RatesCache {
  readonly #file: URL | string
  readonly #maxAgeMs: number
  readonly #now: () => number
  readonly #onStale: (error: unknown) => void
  #known: ReadTable | undefined
  #reading: Promise<ReadTable> | undefined

  constructor(options: RatesCacheOptions = {}) {
    this.#file = options.file ?? new URL('../rates.json', import.meta.url)
    this.#maxAgeMs = options.maxAgeMs ?? 600_000
    this.#now = options.now ?? Date.now
    this.#onStale = options.onStale ?? (() => {})
  }

  /** The rates, read from the file when there are none or only old ones. @throws Error when there never were any */
  async current(): Promise<CurrentRates> {
    const { table, readAt } = await this.#fresh()
    return { table, ageMs: this.#now() - readAt }
  }

  async #fresh(): Promise<ReadTable> {
    const known = this.#known
    if (known !== undefined && this.#now() - known.readAt < this.#maxAgeMs) return known
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    try {
      this.#known = await this.#reading
      return this.#known
    } catch (error) {
      // Yesterday's rates, said to be yesterday's, are better than none.
      if (known === undefined) throw error
      this.#onStale(error)
      return known
    }
  }

  async #read(): Promise<ReadTable> {
    const { date, base, currencies } = ratesFileSchema.parse(JSON.parse(await readFile(this.#file, 'utf8')))
    const byCode = new Map(currencies.map((currency) => [currency.code, currency]))
    return { table: { date, base, currencies: byCode }, readAt: this.#now() }
  }
}

interface ReadTable {
  readonly table: RatesTable
  readonly readAt: number
}

/** Converts an amount. @throws UnknownCurrencyError */
export function convertCurrency(table: RatesTable, amount: number, from: string, to: string): Conversion {
  const source = findCurrency(table, from)
  const target = findCurrency(table, to)
  const rate = target.rate / source.rate
  return {
    amount,
    from: source.code,
    to: target.code,
    rate: Number(rate.toPrecision(6)),
    result: Number((amount * rate).toFixed(target.decimals)),
  }
}

/** Finds a currency by its code in either case. @throws UnknownCurrencyError */
export function findCurrency(table: RatesTable, code: string): Currency {
  const currency = table.currencies.get(code.toUpperCase())
  if (currency !== undefined) return currency
  throw new UnknownCurrencyError(code, [...table.currencies.keys()])
}

/** A code that the table does not have. */
export class UnknownCurrencyError extends Error {
  constructor(code: string, known: readonly string[]) {
    super(`There is no rate for "${code.slice(0, 10)}"; known are ${known.join(', ')}`)
    this.name = 'UnknownCurrencyError'
  }
}

const ratesFileSchema = z.object({
  base: z.string(),
  date: z.iso.date(),
  currencies: z
    .array(
      z.object({
        code: z.string().regex(/^[A-Z]{3}$/),
        name: z.string(),
        decimals: z.int().min(0).max(4),
        rate: z.number().positive(),
      }),
    )
    .min(1),
})
