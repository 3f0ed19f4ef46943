import { setTimeout as sleep } from 'node:timers/promises'
import type { ToolContext, ToolKitClient } from '@atp/core'
import * as z from 'zod'
import type { Parent } from '../children/serve.ts'
import { openLedger } from '../ledger/ledger.ts'

/** Who runs the tools, and where it writes what it ran. */
export interface ToolkitTools {
  name: string
  /** The folder of the ledgers. */
  ledgers: string
  parent: Parent
}

const params = z.object({
  ref: z.string(),
  /** How long the tool takes, in milliseconds. */
  ms: z.number(),
})
type Params = z.infer<typeof params>

/**
 * Returns what gives a toolkit its tools. They write down each run before it begins and after it ended; what a tool gives
 * back names the run, so that an answer can be held against it.
 */
export function createTools({ name, ledgers, parent }: ToolkitTools): (toolkit: ToolKitClient) => void {
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

  return (toolkit) => {
    toolkit.registerTool({ name: 'work', description: 'Must not run twice', params }, run(true))
    toolkit.registerTool(
      { name: 'work_again', description: 'May run twice', params, annotations: { idempotent: true } },
      run(true),
    )
    toolkit.registerTool({ name: 'fail', description: 'Fails', params }, run(false))
  }
}
