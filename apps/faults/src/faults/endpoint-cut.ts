import { type FaultyProxy, startFaultyProxy } from '@atp/testing/faults'
import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { type EndpointApp, startEndpointApp } from '../scene/endpoint-app.ts'
import { Scene } from '../scene/scene.ts'

/** Each cuts all connections of the proxy at one step of a call, and resolves with when that was. */
const steps: { what: string; cut(proxy: FaultyProxy, app: EndpointApp): Promise<number> }[] = [
  {
    what: 'before a request has arrived whole',
    async cut(proxy) {
      await proxy.cutAfterBytes('to-target', part())
      return ledgerNow()
    },
  },
  {
    what: 'while a tool runs',
    cut: (proxy, { process }) =>
      new Promise((resolve) => {
        const stop = process.on('started', () => {
          stop()
          const at = ledgerNow()
          proxy.cut()
          resolve(at)
        })
      }),
  },
  {
    what: 'between an answer and its arrival',
    cut: (proxy) =>
      new Promise((resolve) => {
        proxy.onBytes = (direction) => {
          if (direction !== 'to-client') return 'pass'
          proxy.onBytes = undefined
          const at = ledgerNow()
          proxy.cut()
          resolve(at)
          return 'cut'
        }
      }),
  },
  {
    what: 'in the middle of an answer',
    async cut(proxy) {
      await proxy.cutAfterBytes('to-client', part())
      return ledgerNow()
    },
  },
]

/** How many bytes of a request or an answer pass: fewer than any has. */
function part(): number {
  return 1 + Math.round(Math.random() * 100)
}

/** The connection between the server and the app behind a toolkit's address is cut at each step of a call in turn. */
export const endpointCut: Fault = {
  name: 'endpoint-cut',
  summary: "the connection to a toolkit's URL is cut at each step of a call: request, run, answer",
  async run(context) {
    const rounds = sized(context, { smoke: 1, quick: 3, full: 10 })
    await using scene = await Scene.start(context)
    const app = await startEndpointApp(scene)
    await using proxy = await startFaultyProxy({ target: { host: '127.0.0.1', port: app.port } })
    await app.register(`http://${proxy.host}:${proxy.port}`)
    const startOnce = scene.caller({
      name: 'once',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work', how: 'keyed' },
        { tool: 'fail', how: 'live' },
        { tool: 'work', how: 'detached' },
      ],
      pace: { concurrency: 6 },
      workMs: 30,
    })
    // One after the other: once it goes on, what was cut has ended, and so no cut meets a call for the second time.
    const startAgain = scene.caller({
      name: 'again',
      kinds: [
        { tool: 'work_again', how: 'live' },
        { tool: 'work_again', how: 'keyed' },
        { tool: 'work_again', how: 'detached' },
      ],
      pace: { concurrency: 1 },
      workMs: 30,
    })
    const [once, again] = await Promise.all([startOnce, startAgain])
    for (let round = 1; round <= rounds; round += 1) {
      for (const { what, cut } of steps) {
        // More of them than are cut by a tenth: else the server would not send those again that may run twice.
        await Promise.all([once.succeeds(20 + Math.round(Math.random() * 10)), again.succeeds(2)])
        // Rejects when the server ends: then there is nothing to cut either.
        const at = await Promise.race([cut(proxy, app), once.succeeds(10_000).then(() => Number.NaN)])
        if (Number.isNaN(at)) throw new Error(`There was nothing to cut ${what}`)
        await once.succeeds(1)
        // The calls of the other caller are sent again, and end as ever.
        const times = { at, until: ledgerNow(), recoverFrom: at }
        scene.fault(`cut ${what}`, ['outcome_unknown'], { ...times, who: 'once' })
      }
      context.progress(
        `round ${round} of ${rounds}, ${once.progress.succeeded + again.progress.succeeded} calls succeeded`,
      )
    }
    await Promise.all([once.succeeds(20), again.succeeds(2)])
    await Promise.all([once.stop(), again.stop()])
    return await scene.judge(rounds * steps.length)
  },
}
