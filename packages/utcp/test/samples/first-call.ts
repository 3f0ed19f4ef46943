import { type CommunicationProtocol, UtcpClient } from '@atp/utcp'

/** A protocol that needs no network: its tools are functions. Real ones come from packages such as @atp/utcp-http. */
function functions(tools: Record<string, (args: never) => unknown>): () => CommunicationProtocol {
  const toTool = (name: string) => ({
    name,
    description: `Calls ${name}`,
    inputs: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    tags: ['demo'],
    tool_call_template: { call_template_type: 'direct-call', callable_name: name },
  })
  return () => ({
    callTemplateTypes: ['direct-call'],
    registerManual: async () => ({ manual: { utcp_version: '1.0.1', tools: Object.keys(tools).map(toTool) } }),
    deregisterManual: async () => {},
    callTool: async (_caller, _name, args, { callable_name }) => tools[String(callable_name)]?.(args as never),
    async *callToolStreaming(_caller, _name, args, { callable_name }) {
      yield tools[String(callable_name)]?.(args as never)
    },
    close: async () => {},
  })
}

await using client = await UtcpClient.create(
  { manual_call_templates: [{ name: 'weather', call_template_type: 'direct-call', callable_name: 'all' }] },
  { protocols: [functions({ today: ({ city }: { city: string }) => ({ city, sky: 'clear' }) })] },
)

const [tool] = await client.searchTools('what is the weather today', 1)
console.log(tool?.name) // → weather.today
console.log(await client.callTool('weather.today', { city: 'Rome' })) // → {"city":"Rome","sky":"clear"}

try {
  await client.callTool('weather.today', {})
} catch (error) {
  console.log((error as Error & { code: string }).code) // → invalid_arguments
}
