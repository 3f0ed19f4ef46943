import { ToolKitClient } from '@atp/core'
import { serve } from '../children/serve.ts'
import { createTools } from '../scene/toolkit-tools.ts'

/** How a toolkit runs. */
export interface ToolkitPlan {
  name: string
  ledgers: string
  baseUrl: string
  apiKey: string
  appName: string
  protocol: 'ws' | 'http'
  maxConcurrency: number
}

/* A toolkit that writes down each run. */
serve(async (plan: ToolkitPlan, parent) => {
  const { name, ledgers, baseUrl, apiKey, appName, protocol, maxConcurrency } = plan
  const backoff = { baseMs: 100, maxMs: 500 }
  const toolkit = new ToolKitClient({ baseUrl, apiKey, appName, protocol, maxConcurrency, backoff })
  createTools({ name, ledgers, parent })(toolkit)
  toolkit.on('connected', () => parent.tell('connected'))
  toolkit.on('disconnected', () => parent.tell('disconnected'))
  await toolkit.start()
  return { commands: { stop: () => toolkit.stop() } }
})
