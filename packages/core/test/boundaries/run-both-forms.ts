import * as z from 'zod'
import { type InvokeOutcome, invokeTool, Toolkit } from '../../src/index.ts'

const toolkit = new Toolkit({ appName: 'places' })
const definition = { description: 'Says what it was given' }
const zod = toolkit.registerTool(
  {
    ...definition,
    name: 'zod',
    params: z.object({ city: z.string(), days: z.int().default(3) }),
    output: z.object({ city: z.string(), days: z.number() }),
  },
  (args) => args,
)
const jsonSchema = toolkit.registerTool(
  {
    ...definition,
    name: 'json',
    params: { type: 'object', properties: { city: { type: 'string', pattern: '^[A-Z]' } } },
    output: { type: 'object' },
  },
  async (args) => args,
)

const report = {
  generation: mayGenerate() ? 'allowed' : 'refused',
  zod: await invokeTool(zod, { city: 'Oslo' }, { callId: '1' }),
  zodRefusal: codeOf(await invokeTool(zod, { city: 5 }, { callId: '2' })),
  jsonSchema: await invokeTool(jsonSchema, { city: 'Oslo' }, { callId: '3' }),
  jsonSchemaRefusal: codeOf(await invokeTool(jsonSchema, { city: 'oslo' }, { callId: '4' })),
}
process.stdout.write(JSON.stringify(report))

function codeOf(outcome: InvokeOutcome): string | undefined {
  return outcome.ok ? undefined : outcome.error.code
}

/** Shows that the process really runs with the flag. */
function mayGenerate(): boolean {
  try {
    return new Function('return true')() as boolean
  } catch {
    return false
  }
}
