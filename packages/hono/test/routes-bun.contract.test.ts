import { describeRoutes, describeUtcpInterop, type RoutesHost } from '@atp/testing'
import { bunDeviations } from './support/deviations.ts'
import { runBun } from './support/run-child.ts'

describeRoutes('Hono on Bun', startBun, bunDeviations)
describeUtcpInterop('Hono on Bun', startBun)

async function startBun(): Promise<RoutesHost> {
  const { url, close } = await runBun(new URL('./hosts/bun.ts', import.meta.url))
  return { url, fetch, close }
}
