import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { convertCurrency, RatesCache } from '../src/rates.ts'

describe('the cache of rates', () => {
  let folder: string
  let file: string
  let clock: number
  const stale: unknown[] = []
  const cache = (): RatesCache =>
    new RatesCache({ file, maxAgeMs: 1_000, now: () => clock, onStale: (error) => stale.push(error) })

  const write = async (date: string): Promise<void> => {
    const currencies = [{ code: 'EUR', name: 'Euro', decimals: 2, rate: 1 }]
    await writeFile(file, JSON.stringify({ base: 'EUR', date, currencies }))
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rates-'))
    file = join(folder, 'rates.json')
    clock = 5_000
    stale.length = 0
    await write('2026-01-01')
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('keeps the table until it is too old, and tells its age', async () => {
    const rates = cache()
    await rates.current()
    await write('2026-01-02')
    clock += 999
    expect(await rates.current()).toMatchObject({ table: { date: '2026-01-01' }, ageMs: 999 })
    clock += 1
    expect(await rates.current()).toMatchObject({ table: { date: '2026-01-02' }, ageMs: 0 })
  })

  test('reads once for requests that come together', async () => {
    const rates = cache()
    const [first, second] = await Promise.all([rates.current(), rates.current()])
    expect(first.table).toBe(second.table)
  })

  test('keeps old rates, and says so, while the file cannot be read', async () => {
    const rates = cache()
    await rates.current()
    await writeFile(file, '{')
    clock += 2_000
    expect(await rates.current()).toMatchObject({ table: { date: '2026-01-01' }, ageMs: 2_000 })
    expect(stale).toHaveLength(1)
    await write('2026-01-03')
    expect(await rates.current()).toMatchObject({ table: { date: '2026-01-03' }, ageMs: 0 })
  })

  test('fails when there never were any, and works once there are', async () => {
    await rm(file)
    const rates = cache()
    await expect(rates.current()).rejects.toThrow('ENOENT')
    await write('2026-01-04')
    expect(await rates.current()).toMatchObject({ table: { date: '2026-01-04' } })
  })
})

test('every currency of the table converts there and back within its smallest coin', async () => {
  const { table } = await new RatesCache().current()
  for (const { code, decimals } of table.currencies.values()) {
    const there = convertCurrency(table, 1_000, 'EUR', code)
    const back = convertCurrency(table, there.result, code, 'EUR').result
    const coin = convertCurrency(table, 1, code, 'EUR').rate * 10 ** -decimals
    expect(Math.abs(back - 1_000)).toBeLessThanOrEqual(coin / 2 + 0.01)
  }
})

test('the file that comes with the app says what its figures are', async () => {
  const { note } = JSON.parse(await readFile(new URL('../rates.json', import.meta.url), 'utf8'))
  expect(note).toMatch(/^Sample figures/)
})
