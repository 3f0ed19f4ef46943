import { setTimeout as sleep } from 'node:timers/promises'
import { type ToolContext, ToolKitClient } from '@atp/core'
import * as z from 'zod'
import { serve } from '../children/serve.ts'
import { openLedger } from '../ledger/ledger.ts'

/** How a toolkit runs. */
export interface ToolkitPlan {
  name: string
  ledgers: string
  baseUrl: string
  apiKey: string
  appName: string
  protocol: 'ws' | 'http'
  maxConcurrency: number
}

const params = z.object({
  ref: z.string(),
  /** How long the tool takes, in milliseconds. */
  ms: z.number(),
})
type Params = z.infer<typeof params>

/*
 * A toolkit that writes down each run before it begins and after it ended. What a tool gives back names the run, so that
 * an answer can be held against it.
 */
serve(async (plan: ToolkitPlan, parent) => {
  const { name, ledgers, baseUrl, apiKey, appName, protocol, maxConcurrency } = plan
  const ledger = openLedger(ledgers, name)
  let runs = 0

  function run(ok: boolean) {
    return async ({ ref, ms }: Params, { callId }: ToolContext): Promise<{ run: string }> => {
      runs += 1
      const id = `${name}.${process.pid}.${runs}`
      ledger.write({ event: 'started', ref, callId, run: id })
      parent.tell('started', { ref })
      // Work goes on when nobody waits for it any more: the oracle wants to see the whole of it.
      if (ms > 0) await sleep(ms)
      ledger.write({ event: 'finished', ref, callId, run: id, ok })
      parent.tell('finished', { ref })
      if (!ok) throw new Error('as asked')
      return { run: id }
    }
  }

  const backoff = { baseMs: 100, maxMs: 500 }
  const toolkit = new ToolKitClient({ baseUrl, apiKey, appName, protocol, maxConcurrency, backoff })
  toolkit.registerTool({ name: 'work', description: 'Must not run twice', params }, run(true))
  toolkit.registerTool(
    { name: 'work_again', description: 'May run twice', params, annotations: { idempotent: true } },
    run(true),
  )
  toolkit.registerTool({ name: 'fail', description: 'Fails', params }, run(false))
  toolkit.on('connected', () => parent.tell('connected'))
  toolkit.on('disconnected', () => parent.tell('disconnected'))
  await toolkit.start()
  return { commands: { stop: () => toolkit.stop() } }
})
