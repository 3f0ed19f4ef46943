import { type Direction, startFaultyProxy } from '@atp/testing/faults'
import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { Scene } from '../scene/scene.ts'

/** What a polling toolkit and the server say to each other, in the order of one call. */
const steps: { what: string; direction: Direction; says: string }[] = [
  { what: 'a poll and its calls', direction: 'to-client', says: '"lease_id"' },
  { what: 'an ack and its arrival', direction: 'to-target', says: '"type":"ack"' },
  { what: 'an ack and its answer', direction: 'to-client', says: '"type":"acked"' },
  { what: 'a result and its arrival', direction: 'to-target', says: '"type":"result"' },
  { what: 'a result and its answer', direction: 'to-client', says: '"type":"received"' },
]

/** The connection of a polling toolkit is cut at each step of a call in turn. Neither end is gone, so nothing is excused. */
export const inboxCut: Fault = {
  name: 'inbox-cut',
  summary: "a polling toolkit's connection is cut at each step of a call: poll, ack, result, before and after each",
  async run(context) {
    const rounds = sized(context, { smoke: 1, quick: 3, full: 10 })
    // A call whose toolkit never got it is handed out again when its lease is over.
    const limits = sized(context, { smoke: { leaseMs: 1_500 }, quick: { leaseMs: 1_500 }, full: { leaseMs: 5_000 } })
    await using scene = await Scene.start(context, { limits })
    const { hostname, port } = new URL(scene.info.url)
    await using proxy = await startFaultyProxy({ target: { host: hostname, port: Number(port) } })
    await scene.toolkit({ name: 'toolkit', protocol: 'http', baseUrl: `http://${proxy.host}:${proxy.port}` })
    const caller = await scene.caller({
      name: 'caller',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work', how: 'keyed' },
        { tool: 'work_again', how: 'detached' },
        { tool: 'fail', how: 'live' },
      ],
      pace: { concurrency: 8 },
      workMs: 100,
      timeoutMs: 60_000,
    })
    for (let round = 1; round <= rounds; round += 1) {
      for (const { what, direction, says } of steps) {
        await caller.succeeds(5 + Math.round(Math.random() * 10))
        const cut = new Promise<number>((resolve) => {
          proxy.onBytes = (way, chunk) => {
            if (way !== direction || !chunk.includes(says)) return 'pass'
            proxy.onBytes = undefined
            resolve(ledgerNow())
            return 'cut'
          }
        })
        // Rejects when the server ends: then there is nothing to cut either.
        const at = await Promise.race([cut, caller.succeeds(10_000).then(() => Number.NaN)])
        if (Number.isNaN(at)) throw new Error(`Nothing was ever said between ${what}`)
        await caller.succeeds(3)
        scene.fault(`cut between ${what}`, [], { at, until: ledgerNow(), recoverFrom: at })
      }
      context.progress(`round ${round} of ${rounds}, ${caller.progress.succeeded} calls succeeded`)
    }
    await caller.succeeds(20)
    await caller.stop()
    return await scene.judge(rounds * steps.length)
  },
}
