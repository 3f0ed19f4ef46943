import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { isBusy, retryWhileBusy } from '../../../src/store/sqlite/busy.ts'
import { temporaryFolder } from '../temporary-folder.ts'

async function twoConnections(): Promise<[DatabaseSync, DatabaseSync]> {
  const path = join(await temporaryFolder(), 'x.sqlite')
  const connections: [DatabaseSync, DatabaseSync] = [new DatabaseSync(path), new DatabaseSync(path)]
  onTestFinished(() => {
    for (const connection of connections) connection.close()
  })
  return connections
}

it('does what was asked as soon as the other connection lets go', async () => {
  const [holder, waiter] = await twoConnections()
  holder.exec('begin exclusive')
  let attempts = 0
  const waiting = retryWhileBusy(() => {
    attempts += 1
    if (attempts === 3) holder.exec('commit')
    waiter.exec('create table t (a)')
    return 'done'
  })
  expect(await waiting).toBe('done')
  expect(attempts).toBe(3)
})

it("lets SQLite's error through when the time is over", async () => {
  const [holder, waiter] = await twoConnections()
  holder.exec('begin exclusive')
  const error: unknown = await retryWhileBusy(() => waiter.exec('begin exclusive'), 0).catch(
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code: 'ERR_SQLITE_ERROR' })
  expect(isBusy(error)).toBe(true)
})

it('does not repeat what failed for another reason', async () => {
  const [connection] = await twoConnections()
  let attempts = 0
  const failing = retryWhileBusy(() => {
    attempts += 1
    connection.exec('select nonsense')
  })
  await expect(failing).rejects.toThrow('no such column')
  expect(attempts).toBe(1)
})
