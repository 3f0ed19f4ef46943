import { type ToolContext, Toolkit } from '@atp/core'
import { z } from 'zod'

/** A toolkit that says what its tools were given. */
export function createPlaces(appName: string = 'places'): Toolkit {
  const toolkit = new Toolkit({ appName, apiKey: 'atp_toolkit_places-key' })
  toolkit.registerTool(
    {
      name: 'echo',
      description: 'Gives back its arguments',
      params: z.object({ city: z.string(), days: z.int().default(1) }),
    },
    (args) => args,
  )
  toolkit.registerTool({ name: 'show_env', description: 'Gives back its env' }, (_args, { env }: ToolContext) => env)
  toolkit.registerTool(
    { name: 'show_caller', description: 'Gives back its principal' },
    (_args, { principal }: ToolContext) => principal ?? null,
  )
  toolkit.registerTool({ name: 'long_text', description: 'Gives back 5,000 letters' }, () => 'a'.repeat(5_000))
  toolkit.registerTool({ name: 'count', description: 'Counts to three' }, async function* () {
    yield* [1, 2, 3]
  })
  return toolkit
}

/** A POST with JSON, as `app.request` takes it. */
export function json(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
}
