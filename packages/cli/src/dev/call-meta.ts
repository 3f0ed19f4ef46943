import { AsyncLocalStorage } from 'node:async_hooks'
import type { Tracing } from '@atp/core'

/** The `_meta` of the call that runs: handlers are not told of it. */
const metaOfCall = new AsyncLocalStorage<Readonly<Record<string, unknown>>>()

/** Makes no spans: it keeps what came with a call for {@link callMeta}, so that the tools' process can make them. */
export const metaKeeper: Tracing = {
  startCall({ meta = {} }) {
    return { meta, run: (work) => metaOfCall.run(meta, work), end: () => {} }
  },
}

/** The `_meta` that came with the call whose handler runs; empty where there is none. */
export function callMeta(): Readonly<Record<string, unknown>> {
  return metaOfCall.getStore() ?? {}
}
