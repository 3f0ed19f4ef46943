import { migrateManual } from '@atp/utcp'

const { manual, warnings } = migrateManual({
  version: '0.2.0',
  tools: [{ name: 'old', tool_provider: { provider_type: 'http_stream', url: 'https://old.example' } }],
})
console.log(manual.tools[0]?.tool_call_template.call_template_type) // → streamable_http
console.log(warnings.map(({ path }) => path)) // → ["version","tools[0]","tools[0].tool_call_template"]
