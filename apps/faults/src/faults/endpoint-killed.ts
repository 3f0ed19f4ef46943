import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { startEndpointApp } from '../scene/endpoint-app.ts'
import { Scene } from '../scene/scene.ts'

/** `kill -9` of the app behind a toolkit's address, which nothing listens at until it is started again. */
export const endpointKilled: Fault = {
  name: 'endpoint-killed',
  summary: "kill -9 of the app behind a toolkit's URL during its calls; it is started again at the same URL",
  async run(context) {
    const kills = sized(context, { smoke: 2, quick: 6, full: 20 })
    await using scene = await Scene.start(context)
    const app = await startEndpointApp(scene)
    await app.register()
    const startLive = scene.caller({
      name: 'live',
      protocol: 'raw',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work_again', how: 'live' },
        { tool: 'fail', how: 'live' },
      ],
      pace: { concurrency: 24 },
      workMs: 200,
    })
    const startStored = scene.caller({
      name: 'stored',
      kinds: [
        { tool: 'work', how: 'keyed' },
        { tool: 'work_again', how: 'detached' },
      ],
      pace: { concurrency: 8 },
      workMs: 200,
      timeoutMs: 60_000,
    })
    const [live, stored] = await Promise.all([startLive, startStored])
    for (let kill = 1; kill <= kills; kill += 1) {
      await live.succeeds(20 + Math.round(Math.random() * 30))
      const at = ledgerNow()
      await app.killAndRestart()
      // What was sent and lost, and what came while nothing listened.
      scene.fault('app killed', ['outcome_unknown', 'not_run'], { at, until: ledgerNow(), recoverFrom: at })
      await Promise.all([live.succeeds(1), stored.succeeds(1)])
      context.progress(
        `kill ${kill} of ${kills}, ${live.progress.succeeded + stored.progress.succeeded} calls succeeded`,
      )
    }
    await live.succeeds(20)
    await Promise.all([live.stop(), stored.stop()])
    return await scene.judge(kills)
  },
}
