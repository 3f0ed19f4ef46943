import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { Scene } from '../scene/scene.ts'

/** `kill -9` of a caller that waits for its calls, beside one that stays. */
export const callerGone: Fault = {
  name: 'caller-gone',
  summary: 'kill -9 of a caller during its calls, beside another one that stays',
  async run(context) {
    const kills = sized(context, { smoke: 2, quick: 6, full: 20 })
    await using scene = await Scene.start(context)
    await scene.toolkit({ name: 'toolkit' })
    const kinds = [
      { tool: 'work', how: 'live' } as const,
      { tool: 'work_again', how: 'live' } as const,
      { tool: 'fail', how: 'live' } as const,
    ]
    const steady = await scene.caller({ name: 'steady', kinds, pace: { concurrency: 4 }, workMs: 50, timeoutMs: 8_000 })
    for (let kill = 1; kill <= kills; kill += 1) {
      const name = `gone-${kill}`
      const protocol = kill % 2 === 0 ? 'http' : 'ws'
      const gone = await scene.caller({ name, protocol, kinds, pace: { concurrency: 32 }, workMs: 300 })
      await gone.succeeds(10 + Math.round(Math.random() * 60))
      const at = ledgerNow()
      await gone.kill()
      scene.fault('caller killed', ['no_answer'], { at, until: ledgerNow(), who: name })
      // The one that stays shows that what the other left behind holds nothing up.
      scene.fault('after a caller was killed', [], { at, until: at, recoverFrom: at })
      await steady.succeeds(20)
      context.progress(`kill ${kill} of ${kills}, ${steady.progress.succeeded} calls of the other succeeded`)
    }
    await steady.stop()
    return await scene.judge(kills)
  },
}
