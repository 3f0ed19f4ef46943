import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { startEndpointApp } from '../scene/endpoint-app.ts'
import { Scene } from '../scene/scene.ts'

/** As long as three attempts at one call take, with what is waited between them, in milliseconds. */
const triesMs = 1_500

/**
 * `kill -9` of the server under stored calls to a toolkit's address, of which the next server knows no more than that;
 * every other time also of the app behind it, which comes back after the server.
 */
export const serverKilledEndpoint: Fault = {
  name: 'server-killed-endpoint',
  summary: "kill -9 of the server under stored calls to a toolkit's URL, every other time of its app too, on SQLite",
  async run(context) {
    const kills = sized(context, { smoke: 2, quick: 5, full: 20 })
    await using scene = await Scene.start(context)
    const app = await startEndpointApp(scene)
    await app.register()
    const common = { pace: { concurrency: 8 }, workMs: 100, timeoutMs: 60_000 }
    const startOnce = scene.caller({
      ...common,
      name: 'once',
      kinds: [
        { tool: 'work', how: 'keyed' },
        { tool: 'work', how: 'detached' },
      ],
    })
    const startAgain = scene.caller({
      ...common,
      name: 'again',
      kinds: [
        { tool: 'work_again', how: 'keyed' },
        { tool: 'work_again', how: 'detached' },
      ],
    })
    const [once, again] = await Promise.all([startOnce, startAgain])
    for (let kill = 1; kill <= kills; kill += 1) {
      await once.succeeds(20 + Math.round(Math.random() * 60))
      const withApp = kill % 2 === 0
      const at = ledgerNow()
      await Promise.all([scene.endServer('SIGKILL'), withApp && app.process.kill()])
      await scene.startServer()
      if (withApp) {
        // Until the next server has tried what it took over.
        await sleep(triesMs)
        await app.killAndRestart()
      }
      await Promise.all([once.succeeds(1), again.succeeds(1)])
      const times = { at, until: ledgerNow(), recoverFrom: at }
      if (withApp) scene.fault('server and app killed', ['outcome_unknown', 'not_run'], times)
      // What may run twice is sent again by the next server: of those, nothing is excused.
      else scene.fault('server killed', ['outcome_unknown'], { ...times, who: 'once' })
      context.progress(
        `kill ${kill} of ${kills}, ${once.progress.succeeded + again.progress.succeeded} calls succeeded`,
      )
    }
    await Promise.all([once.succeeds(20), again.succeeds(20)])
    await Promise.all([once.stop(), again.stop()])
    return await scene.judge(kills)
  },
}
