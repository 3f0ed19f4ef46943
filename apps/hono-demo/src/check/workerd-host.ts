import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'
import { rolldown } from 'rolldown'
import { type Host, settings } from './host.ts'

/** Bundles `worker.ts` as it would be deployed and runs it in workerd, the runtime of Workers, with a KV namespace. */
export async function startWorkerd(): Promise<Host> {
  const worker = new Miniflare({
    modules: true,
    script: await bundleWorker(),
    compatibilityDate: '2026-07-01',
    bindings: settings,
    kvNamespaces: ['LINKS'],
    host: '127.0.0.1',
    port: 0,
  })
  return { name: 'workerd', url: (await worker.ready).origin, close: () => worker.dispose() }
}

async function bundleWorker(): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL(`../worker${extname(import.meta.filename)}`, import.meta.url)),
    platform: 'neutral',
    resolve: { conditionNames: ['@atp/source', 'workerd', 'worker', 'import', 'default'] },
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  return output[0].code
}
