import type { DurableAnswers, DurableChange } from '../durable-store.ts'
import { finishCalls } from './durable-finish.ts'
import { insertCalls } from './durable-insert.ts'
import { ackCalls, leaseCalls, releaseCalls } from './durable-leases.ts'
import type { DurableDatabase } from './durable-rows.ts'

type Answer = DurableAnswers[DurableChange['kind']]
type ChangeOf<Kind extends DurableChange['kind']> = Extract<DurableChange, { kind: Kind }>

/** Makes changes of all kinds, those of one kind together. Obligation: `durable` is a transaction. */
export async function writeChanges(durable: DurableDatabase, changes: readonly DurableChange[]): Promise<Answer[]> {
  const answers: Answer[] = new Array(changes.length)

  async function run<Kind extends DurableChange['kind']>(
    kind: Kind,
    write: (list: ChangeOf<Kind>[]) => Promise<readonly DurableAnswers[Kind][]>,
  ): Promise<void> {
    const places: number[] = []
    const list: ChangeOf<Kind>[] = []
    for (const [place, change] of changes.entries()) {
      if (change.kind !== kind) continue
      places.push(place)
      list.push(change as ChangeOf<Kind>)
    }
    if (list.length === 0) return
    const written = await write(list)
    for (const [index, place] of places.entries()) answers[place] = written[index] as Answer
  }

  await run('insert', (list) => insertCalls(durable, list))
  await run('finish', (list) =>
    finishCalls(
      durable,
      list.map(({ outcome }) => outcome),
    ),
  )
  await run('release', (list) =>
    releaseCalls(
      durable,
      list.map(({ ref }) => ref),
    ),
  )
  await run('ack', (list) =>
    ackCalls(
      durable,
      list.map(({ ack }) => ack),
      // The latest time of the batch: what ended since an item came has ended.
      Math.max(...list.map(({ now }) => now)),
    ),
  )
  await run('lease', async (list) => {
    const leased: DurableAnswers['lease'][] = []
    for (const { request } of list) leased.push(await leaseCalls(durable, request))
    return leased
  })
  return answers
}
