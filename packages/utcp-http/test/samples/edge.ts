import { UtcpClient } from '@atp/utcp'
import { http } from '@atp/utcp-http/edge'

// In a worker: http({ fetch: (url, init) => fetch(url, init) })
const fetch = async (url: string): Promise<Response> => {
  if (url !== 'https://api.example.com/utcp') return Response.json({ sky: 'clear' })
  const template = { call_template_type: 'http', url: 'https://api.example.com/today' }
  return Response.json({ utcp_version: '1.0.1', tools: [{ name: 'today', tool_call_template: template }] })
}

await using client = await UtcpClient.create(
  { manual_call_templates: [{ name: 'weather', call_template_type: 'http', url: 'https://api.example.com/utcp' }] },
  { protocols: [http({ fetch })] },
)
console.log(await client.callTool('weather.today', {})) // → {"sky":"clear"}
