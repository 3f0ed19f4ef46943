import { LegacyToolkit } from '@atp/testing/legacy'
import { serve } from '../children/serve.ts'

/** Toolkits of the Python SDK, all in one process. */
export interface LegacyCrowdPlan {
  baseUrl: string
  toolkits: { apiKey: string; appName: string }[]
}

/* Toolkits as SDK 0.2.5 connects them: they come back at once, without any pause, however often they are refused. */
serve(async ({ baseUrl, toolkits }: LegacyCrowdPlan) => {
  const clients = toolkits.map(({ apiKey, appName }) => {
    const tools = [{ name: 'work', params: ['ref', 'ms'], handler: () => ({ run: 'legacy' }) }]
    return new LegacyToolkit({ baseUrl, apiKey, appName, tools, reconnect: true })
  })
  for (const client of clients) await client.start()
  return {
    commands: {
      counts: () => ({
        attempts: clients.reduce((sum, { attempts }) => sum + attempts, 0),
        greetings: clients.reduce((sum, { greetings }) => sum + greetings, 0),
      }),
    },
  }
})
