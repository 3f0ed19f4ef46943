import { serveParent } from '../children/serve-parent.ts'
import { type Call, type LoadPlan, runLoad } from './call-loop.ts'

/**
 * Makes this process a load generator: `start` connects, `load` runs a `LoadPlan`. The same loop for every system, so
 * that only the call differs.
 * @param connect gets what the parent gave to `start`, and resolves with the call once calls would work
 */
export function serveLoad<T>(connect: (data: T) => Promise<Call>): void {
  let call: Call | undefined
  serveParent(
    async (data: T) => {
      call = await connect(data)
      await call()
    },
    {
      load: (plan: LoadPlan) => {
        if (call === undefined) throw new Error('The load generator is not connected')
        return runLoad(call, plan)
      },
    },
  )
}
