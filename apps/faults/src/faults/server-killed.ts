import type { ServerLimits } from '@atp/server'
import { type Fault, type FaultContext, type FaultReport, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import type { CallKind } from '../scene/caller-plan.ts'
import { Scene } from '../scene/scene.ts'

interface KilledOptions {
  postgres: boolean
  protocol: 'ws' | 'http'
  kinds: CallKind[]
}

const shortWaits: Partial<ServerLimits> = { leaseMs: 5_000, restoreMs: 5_000 }

/** Kills the server again and again, each time at another moment of its work. */
async function killServer(context: FaultContext, { postgres, protocol, kinds }: KilledOptions): Promise<FaultReport> {
  // On each database 50 in all, by either way.
  const kills = sized(context, { smoke: 2, quick: 5, full: 25 })
  // What was under way waits for its lease, or for its toolkit to come back: as long as by default only in full.
  const limits = sized(context, { smoke: shortWaits, quick: shortWaits, full: {} })
  await using scene = await Scene.start(context, { postgres, limits })
  const toolkit = await scene.toolkit({ name: 'toolkit', protocol })
  const caller = await scene.caller({ name: 'caller', kinds, pace: { concurrency: 16 }, timeoutMs: 60_000 })
  for (let kill = 1; kill <= kills; kill += 1) {
    await caller.succeeds(20 + Math.round(Math.random() * 80))
    const connections = toolkit.connections
    const at = ledgerNow()
    await scene.endServer('SIGKILL')
    await scene.startServer()
    if (protocol === 'ws') await toolkit.connected(connections + 1)
    await caller.succeeds(1)
    scene.fault('server killed', ['lost_connection', 'not_run', 'outcome_unknown'], {
      at,
      until: ledgerNow(),
      recoverFrom: at,
    })
    context.progress(`kill ${kill} of ${kills}, ${caller.progress.succeeded} calls succeeded`)
  }
  await caller.succeeds(20)
  await caller.stop()
  return await scene.judge(kills)
}

/** `kill -9` of the server under calls that live in its memory only. */
export const serverKilledLive: Fault = {
  name: 'server-killed-live',
  summary: 'kill -9 of the server under calls between connected peers, on SQLite',
  run: (context) =>
    killServer(context, {
      postgres: false,
      protocol: 'ws',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work_again', how: 'live' },
        { tool: 'fail', how: 'live' },
      ],
    }),
}

const storedKinds: CallKind[] = [
  { tool: 'work', how: 'keyed' },
  { tool: 'work', how: 'detached' },
  { tool: 'work_again', how: 'detached' },
  { tool: 'work_again', how: 'keyed' },
]

/** The same under calls that are stored before they are accepted, for each way to the toolkit and each database. */
export const serverKilledStored: Fault[] = (['http', 'ws'] as const).flatMap((protocol) =>
  [false, true].map((postgres) => {
    const [load, name] = protocol === 'http' ? ['inbox', 'inbox'] : ['idempotent', 'keyed']
    const database = postgres ? 'postgres' : 'sqlite'
    return {
      name: `server-killed-${name}-${database}`,
      summary: `kill -9 of the server under ${load} load, on ${postgres ? 'PostgreSQL' : 'SQLite'}`,
      run: (context: FaultContext) => killServer(context, { postgres, protocol, kinds: storedKinds }),
    }
  }),
)
