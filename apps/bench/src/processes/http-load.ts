import { checkEchoAnswer, echoRequest } from '../load/echo-route.ts'
import { HttpConnection } from '../load/http-connection.ts'
import { serveLoad } from '../load/serve-load.ts'

/** Servers close connections that were idle for some seconds; one that may be about to be closed is not used again. */
const longestIdleMs = 1_000

/** Calls the echo route over as many keep-alive connections as there are calls under way. */
serveLoad(async ({ port }: { port: number }) => {
  const request = echoRequest(port)
  const idle: { connection: HttpConnection; since: number }[] = []
  const reused = (): HttpConnection | undefined => {
    const last = idle.pop()
    if (last === undefined || performance.now() - last.since < longestIdleMs) return last?.connection
    // Those below it have been idle for longer.
    for (const { connection } of [last, ...idle.splice(0)]) connection.close()
    return undefined
  }
  return async () => {
    const connection = reused() ?? new HttpConnection(port)
    checkEchoAnswer(await connection.request(request))
    idle.push({ connection, since: performance.now() })
  }
})
