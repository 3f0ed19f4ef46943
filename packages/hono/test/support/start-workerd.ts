import { Miniflare } from 'miniflare'

/** A Worker that runs and listens. */
export interface Worker {
  /** Without a slash at the end. */
  url: string
  dispose(): Promise<void>
}

/** Runs a script in workerd as Workers run it: no compatibility flags, nothing of Node. */
export async function startWorkerd(script: string, bindings: Record<string, string> = {}): Promise<Worker> {
  const worker = new Miniflare({
    modules: true,
    script,
    bindings,
    // From 2026-08-04 on, Workers bring Node's modules along unless they are switched off.
    compatibilityDate: '2026-07-01',
    // Straight to the Worker: the one that Miniflare puts before it rewrites addresses.
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  })
  await worker.ready
  return { url: (await worker.unsafeGetDirectURL()).origin, dispose: () => worker.dispose() }
}
