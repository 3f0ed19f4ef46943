import { describeRoutes, describeUtcpInterop, type RoutesHost } from '@atp/testing'
import { denoDeviations } from './support/deviations.ts'
import { runDeno } from './support/run-child.ts'

describeRoutes('Hono on Deno', startDeno, denoDeviations)
describeUtcpInterop('Hono on Deno', startDeno)

async function startDeno(): Promise<RoutesHost> {
  const { url, close } = await runDeno(new URL('./hosts/deno.ts', import.meta.url))
  return { url, fetch, close }
}
