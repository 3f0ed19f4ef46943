import { UtcpClient } from '@atp/utcp'
import { file, text } from '@atp/utcp-text'

const manual = `
utcp_version: 1.0.1
tools:
  - name: opening_hours
    description: When the shop is open
    tags: [shop]
    tool_call_template:
      call_template_type: text
      content: Mondays to Fridays, 9 to 17
`

await using client = await UtcpClient.create(
  { manual_call_templates: [{ name: 'shop', call_template_type: 'text', content: manual }] },
  { protocols: [text(), file()] },
)
console.log(await client.callTool('shop.opening_hours')) // → Mondays to Fridays, 9 to 17
