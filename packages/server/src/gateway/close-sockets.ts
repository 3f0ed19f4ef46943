import { closeCodes } from '@atp/core/protocol'
import type { SocketWatch } from './socket-watch.ts'

/** Sockets are closed over this long, so that their peers do not all come back at once (rule S1). */
const closeSpreadMs = 5_000

/** Closes all sockets, for a restart, spread over a few seconds when there are many. */
export async function closeSockets(watch: SocketWatch): Promise<void> {
  const open = [...watch.sockets]
  const spreadMs = Math.min(closeSpreadMs, open.length * 5)
  await Promise.all(
    open.map(async (socket) => {
      await new Promise((done) => setTimeout(done, Math.random() * spreadMs))
      socket.close(closeCodes.serviceRestart, 'the server restarts')
    }),
  )
  // A peer that does not answer the closing handshake must not hold the process.
  const deadline = performance.now() + 1_000
  while (watch.size > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 10))
  for (const socket of [...watch.sockets]) socket.terminate()
}

/** Waits for something, but no longer than that. */
export async function settledWithin(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, ms)
  })
  await Promise.race([promise, late])
  clearTimeout(timer)
}
