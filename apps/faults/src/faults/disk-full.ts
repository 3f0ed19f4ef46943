import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import type { Violation } from '../oracle/judge.ts'
import { Scene } from '../scene/scene.ts'
import { mountSmallDisk } from '../scene/small-disk.ts'

/** The disk of the data folder fills up and is freed again, while calls of both kinds come. */
export const diskFull: Fault = {
  name: 'disk-full',
  summary: 'the disk of the data folder fills up under live and stored calls, and is freed again',
  async run(context) {
    const runs = sized(context, { smoke: 1, quick: 2, full: 5 })
    const fullMs = sized(context, { smoke: 1_500, quick: 3_000, full: 10_000 })
    using disk = mountSmallDisk(24)
    await using scene = await Scene.start(context, { dataDir: join(disk.path, 'data') })
    await scene.toolkit({ name: 'toolkit' })
    const live = await scene.caller({
      name: 'live',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'fail', how: 'live' },
      ],
      pace: { perSecond: 50 },
    })
    const stored = await scene.caller({
      name: 'stored',
      kinds: [
        { tool: 'work', how: 'keyed' },
        { tool: 'work_again', how: 'detached' },
      ],
      pace: { concurrency: 8 },
    })
    const violations: Violation[] = []
    for (let run = 1; run <= runs; run += 1) {
      await Promise.all([live.succeeds(30), stored.succeeds(30)])
      const at = ledgerNow()
      disk.fill()
      const status = await tryKey(scene)
      // What fits into a file that is there already is still stored; anything else is refused, and no defect.
      if (status !== 201 && status !== 503) {
        violations.push({ rule: 'D1', text: `a key on a full disk was answered with ${status}` })
      }
      // Calls between connected peers need no disk: no excuse for them.
      await Promise.all([sleep(fullMs), live.succeeds(30)])
      const recoverFrom = ledgerNow()
      disk.free()
      await stored.succeeds(10)
      const until = ledgerNow()
      scene.fault('disk full', ['not_run'], { at, until, recoverFrom, who: 'stored' })
      const again = await tryKey(scene)
      if (again !== 201)
        violations.push({ rule: 'D1', text: `no key could be made after the disk was freed: ${again}` })
      context.progress(`run ${run} of ${runs}, ${stored.progress.succeeded} stored calls succeeded`)
    }
    await Promise.all([live.stop(), stored.stop()])
    const refused = scene.entries().filter((entry) => entry.event === 'outcome' && entry.code === 'store_unavailable')
    if (refused.length === 0) throw new Error('Nothing was refused: the disk was never full')
    const notes = [`full for ${fullMs / 1_000} s each time; ${refused.length} attempts were refused meanwhile`]
    return await scene.judge(runs, notes, violations)
  },
}

/** The status that making a key is answered with. */
async function tryKey({ info: { url, adminKey } }: Scene): Promise<number> {
  const answer = await fetch(`${url}/api/v2/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'llm' }),
  })
  return answer.status
}
