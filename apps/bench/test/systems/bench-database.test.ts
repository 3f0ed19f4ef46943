import { expect, it } from 'vitest'
import { createBenchDatabase } from '../../src/systems/bench-database.ts'

it('says so when there is no database', async () => {
  await expect(createBenchDatabase('postgres://postgres@127.0.0.1:1/postgres')).rejects.toThrow('ECONNREFUSED')
})
