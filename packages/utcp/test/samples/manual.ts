import { createManual } from '@atp/utcp'

const manual = createManual([
  {
    name: 'get_weather',
    description: 'Get current weather for a location',
    tags: ['weather'],
    inputs: { type: 'object', properties: { location: { type: 'string' } } },
    tool_call_template: { call_template_type: 'http', url: 'https://example.com/api/weather', http_method: 'GET' },
  },
])
console.log(Object.keys(manual)) // → ["utcp_version","manual_version","tools"]
