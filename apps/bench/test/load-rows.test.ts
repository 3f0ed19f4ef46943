import { expect, it } from 'vitest'
import { loadRows } from '../src/load-rows.ts'

it('finds the row of every file in the folder, each under an id of its own', async () => {
  const ids = (await loadRows()).map((row) => row.id)
  expect(ids.slice(0, 3)).toEqual(['hub', 'startup', 'idle'])
  expect(new Set(ids).size).toBe(ids.length)
})
