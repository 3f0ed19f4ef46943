import { createHmac, hkdfSync, randomUUID } from 'node:crypto'
import { encodeSignedCall, signedCallType } from '@atp/core/http'
import { checkEcho, echoParams, echoTool } from '../load/echo.ts'
import { deadlineMs, echoPath } from '../load/echo-route.ts'
import { serveLoad } from '../load/serve-load.ts'
import { serverPackage } from '../load/server-package.ts'
import { atpToolkit } from '../systems/atp-system.ts'
import type { SignedPostData } from '../systems/endpoint-system.ts'

/** The part of undici that is used here. */
interface Undici {
  Pool: new (origin: string, options: { connections: number }) => Pool
}

interface Pool {
  request(options: {
    path: string
    method: 'POST'
    headers: Record<string, string>
    body: Uint8Array
  }): Promise<{ statusCode: number; body: { json(): Promise<unknown> } }>
}

/** Posts to the app what a server would, with the same signature. */
serveLoad(async ({ port, toolkitKey }: SignedPostData) => {
  const { Pool } = serverPackage<Undici>('@atp/egress', 'undici')
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64 })
  const secret = Buffer.from(hkdfSync('sha256', toolkitKey, '', 'atp-endpoint-v1', 32))
  return async () => {
    const callId = randomUUID()
    const call = { callId, toolkit: atpToolkit, tool: echoTool, params: echoParams, deadlineMs }
    const body = Buffer.from(encodeSignedCall(call))
    const timestamp = `${Math.floor(Date.now() / 1000)}`
    const signature = createHmac('sha256', secret).update(`${callId}.${timestamp}.`).update(body).digest('base64')
    const headers = {
      'content-type': signedCallType,
      accept: 'application/json',
      'webhook-id': callId,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    }
    const answer = await pool.request({ path: echoPath, method: 'POST', headers, body })
    const { result } = (await answer.body.json()) as { result?: unknown }
    checkEcho(result)
  }
})
