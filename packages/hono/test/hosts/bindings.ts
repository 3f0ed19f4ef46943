import { type ToolContext, Toolkit } from '@atp/core'
import { Hono } from 'hono'
import { atp } from '../../src/index.ts'

interface WorkerEnv {
  Bindings: { GREETING: string }
}

/** What a tool left for after its answer. */
const later: string[] = []

const toolkit = new Toolkit({ appName: 'worker' })
toolkit.registerTool(
  { name: 'greet', description: 'Greets with a binding, and writes that down after its answer', params: ['name'] },
  ({ name }, context: ToolContext) => {
    const { GREETING, waitUntil } = context.env as ToolEnv
    waitUntil(Promise.resolve().then(() => later.push(`greeted ${String(name)}`)))
    return `${GREETING}, ${String(name)}!`
  },
)
toolkit.registerTool({ name: 'generate', description: 'Tries to generate code' }, () => new Function('return 1')())

interface ToolEnv {
  GREETING: string
  waitUntil(promise: Promise<unknown>): void
}

const app = new Hono<WorkerEnv>()
app.get('/later', (c) => c.json(later))
app.route(
  '/',
  atp<WorkerEnv>(toolkit, {
    authorize: 'public',
    env: (c) => ({ ...c.env, waitUntil: (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise) }),
  }),
)

export default app
