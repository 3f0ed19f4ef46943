import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import type { Violation } from '../oracle/judge.ts'
import { Scene } from '../scene/scene.ts'

/** How long all of them may take to be back, in milliseconds: the longest pause of a client is 30 s. */
const allowedMs = 45_000

/** The server is killed under many toolkits, which all come back at once, beside clients that know no pause. */
export const reconnectStorm: Fault = {
  name: 'reconnect-storm',
  summary: '500 toolkits reconnect at once beside 50 legacy clients that try again without a pause',
  alone: true,
  async run(context) {
    const [modern, legacy] = sized(context, { smoke: [50, 5], quick: [500, 50], full: [500, 50] })
    const kills = sized(context, { smoke: 1, quick: 1, full: 3 })
    await using scene = await Scene.start(context)
    const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${kind}-${at}`)
    const withKeys = async (appNames: string[]): Promise<{ apiKey: string; appName: string }[]> => {
      const keys = await scene.server.ask<string[]>('keys', { names: appNames })
      return appNames.map((appName, at) => ({ appName, apiKey: keys[at] ?? '' }))
    }
    const toolkits = await withKeys(names('modern', modern))
    const plan = { name: 'many', ledgers: scene.ledgers, baseUrl: scene.info.url, toolkits }
    const many = await scene.process('many-toolkits', 'many', plan)
    const crowd = await scene.process('legacy-crowd', 'crowd', {
      baseUrl: scene.info.url,
      toolkits: await withKeys(names('legacy', legacy)),
    })
    context.progress(`${modern} toolkits and ${legacy} legacy clients are connected`)
    const caller = await scene.caller({
      name: 'caller',
      kinds: toolkits.map(({ appName }) => ({ tool: 'work', how: 'live', toolkitId: appName }) as const),
      pace: { perSecond: 100 },
    })
    const violations: Violation[] = []
    const took: number[] = []
    const attempts: number[] = []
    for (let kill = 1; kill <= kills; kill += 1) {
      await caller.succeeds(modern)
      const before = await crowd.ask<Counts>('counts')
      const at = ledgerNow()
      await scene.endServer('SIGKILL')
      // The clients hear of it before the new server may answer: else the old figure would be taken for the new one.
      while ((await many.ask<number>('connected')) > 0) await sleep(20)
      const startedAt = ledgerNow()
      await scene.startServer()
      while ((await many.ask<number>('connected')) < modern && ledgerNow() - startedAt < allowedMs) await sleep(50)
      const modernMs = ledgerNow() - startedAt
      while (
        (await crowd.ask<Counts>('counts')).greetings < before.greetings + legacy &&
        ledgerNow() - startedAt < allowedMs
      ) {
        await sleep(50)
      }
      const ms = ledgerNow() - startedAt
      took.push(modernMs)
      attempts.push((await crowd.ask<Counts>('counts')).attempts - before.attempts)
      if (ms >= allowedMs)
        violations.push({ rule: 'T10', text: `after ${Math.round(ms)} ms not all of them were back` })
      scene.fault('server killed', ['lost_connection', 'not_run'], { at, until: ledgerNow(), recoverFrom: at })
      context.progress(`kill ${kill} of ${kills}: all were back after ${Math.round(ms)} ms`)
    }
    await caller.succeeds(modern)
    await caller.stop()
    const notes = [
      `all ${modern} toolkits were back ${(Math.max(...took) / 1_000).toFixed(1)} s after the start at the latest; ` +
        `${legacy} legacy clients tried ${Math.max(...attempts).toLocaleString('en-US')} times meanwhile`,
    ]
    return await scene.judge(kills, notes, violations)
  },
}

interface Counts {
  attempts: number
  greetings: number
}
