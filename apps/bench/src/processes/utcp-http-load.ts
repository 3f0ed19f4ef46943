import '@utcp/http'
import { UtcpClient } from '@atp/utcp'
import { http } from '@atp/utcp-http'
import { UtcpClient as SdkClient } from '@utcp/sdk'
import type { Call } from '../load/call-loop.ts'
import { checkEcho, echoParams, echoTool } from '../load/echo.ts'
import { serveLoad } from '../load/serve-load.ts'
import { type UtcpClientKind, type UtcpLoadData, utcpManualName } from '../systems/utcp-http-system.ts'

/** Calls the echo tool through a UTCP client, each in its ordinary configuration. */
serveLoad(async ({ client, url }: UtcpLoadData) => {
  const call = await connect[client](url)
  return async () => checkEcho(await call())
})

const toolName = `${utcpManualName}.${echoTool}`

const connect: Record<UtcpClientKind, (url: string) => Promise<Call>> = {
  async ours(url) {
    const manual = { name: utcpManualName, call_template_type: 'http', url }
    const client = await UtcpClient.create({ manual_call_templates: [manual] }, { protocols: [http()] })
    return () => client.callTool(toolName, echoParams)
  },

  async sdk(url) {
    // It prints two lines for every call, which would be the larger part of it.
    console.log = () => {}
    const client = await SdkClient.create()
    const manual = { name: utcpManualName, call_template_type: 'http', url, http_method: 'GET' }
    const { success, errors } = await client.registerManual(manual)
    if (!success) throw new Error(`@utcp/sdk did not register the manual: ${errors.join('; ')}`)
    return () => client.callTool(toolName, echoParams)
  },
}
