import { Toolkit } from '@atp/core'
import { Hono } from 'hono'
import * as z from 'zod'
import { atp } from '../../src/index.ts'

interface WorkerEnv {
  Bindings: { ATP_TOOLKIT_KEY: string }
}

/** A Worker learns its key with its first request. */
function createShop(apiKey: string): Toolkit {
  const shop = new Toolkit({ appName: 'shop', apiKey })
  shop.registerTool(
    { name: 'total', description: 'Adds', params: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => a + b,
  )
  shop.registerTool({ name: 'count', description: 'Counts' }, async function* (_args, { progress }) {
    progress('half')
    yield 1
    yield 2
    return 'counted'
  })
  return shop
}

let routes: Hono<WorkerEnv> | undefined
const app = new Hono<WorkerEnv>()
app.all('/*', (c) => {
  routes ??= new Hono<WorkerEnv>().route('/', atp<WorkerEnv>(createShop(c.env.ATP_TOOLKIT_KEY)))
  return routes.fetch(c.req.raw, c.env)
})

export default app
