import { ToolKitClient } from '@atp/core'
import { serve } from '../children/serve.ts'
import { openLedger } from '../ledger/ledger.ts'

/** Toolkits of one process, each with a key and a name of its own. */
export interface ManyToolkitsPlan {
  name: string
  ledgers: string
  baseUrl: string
  toolkits: { apiKey: string; appName: string }[]
}

/** Clients that connect at once when they are first started; what counts is how they come back. */
const startAtOnce = 50

/* Many toolkits as users run them, with the backoff that they have by default. */
serve(async ({ name, ledgers, baseUrl, toolkits }: ManyToolkitsPlan, parent) => {
  const ledger = openLedger(ledgers, name)
  let connected = 0
  let runs = 0
  const clients = toolkits.map(({ apiKey, appName }) => {
    const client = new ToolKitClient({ baseUrl, apiKey, appName })
    client.registerTool(
      { name: 'work', description: 'Answers at once', params: ['ref', 'ms'] },
      ({ ref }, { callId }) => {
        runs += 1
        const run = `${name}.${runs}`
        ledger.write({ event: 'started', ref: String(ref), callId, run })
        ledger.write({ event: 'finished', ref: String(ref), callId, run, ok: true })
        return { run }
      },
    )
    const tell = (change: number) => () => {
      connected += change
      parent.tell('connected', connected)
    }
    client.on('connected', tell(1))
    client.on('disconnected', tell(-1))
    return client
  })
  for (let at = 0; at < clients.length; at += startAtOnce) {
    await Promise.all(clients.slice(at, at + startAtOnce).map((client) => client.start()))
  }
  return { commands: { connected: () => connected } }
})
