import { bundleEntry, describeRoutes, describeUtcpInterop, type RoutesHost } from '@atp/testing'
import { workerdDeviations } from './support/deviations.ts'
import { startWorkerd } from './support/start-workerd.ts'

describeRoutes('Hono in workerd', startContract, workerdDeviations)
describeUtcpInterop('Hono in workerd', startContract)

async function startContract(): Promise<RoutesHost> {
  const { url, dispose } = await startWorkerd(await bundleEntry(new URL('./hosts/workerd.ts', import.meta.url)))
  return { url, fetch: fetchPatiently, close: dispose }
}

/**
 * Asks again when the connection is cut: workerd does that to a client that still sends a body which the Worker did not
 * read, and a client that writes at that moment never sees the refusal.
 */
async function fetchPatiently(request: Request, attempts: number = 5): Promise<Response> {
  try {
    return await fetch(request.clone())
  } catch (error) {
    const { code = '' } = (error as { cause?: { code?: string } }).cause ?? {}
    if (attempts === 1 || !['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code)) throw error
    return fetchPatiently(request, attempts - 1)
  }
}
