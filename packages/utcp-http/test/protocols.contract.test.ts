import type { CallTemplate } from '@atp/utcp'
import { describeCommunicationProtocol, type ProtocolFixture } from '@atp/utcp/contracts'
import { http, sse, streamableHttp } from '../src/index.ts'
import { json, startSite } from './support/site.ts'

const manual = {
  utcp_version: '1.0.1',
  tools: [{ name: 'a', tool_call_template: { call_template_type: 'http', url: 'https://api.example' } }],
}

/** A site with a manual, a call of the type, one that fails and one that does not end. */
async function open(type: string, protocol: ProtocolFixture['protocol'], result: unknown): Promise<ProtocolFixture> {
  const site = await startSite(({ path }, response) => {
    if (path === '/manual') return json(response, manual)
    if (path === '/hang') return undefined
    if (path === '/events')
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"n":1}\n\n')
    if (path === '/value') return json(response, { n: 1 })
    return json(response, { error: 'no such path' }, 404)
  })
  const at = (path: string): CallTemplate => ({ call_template_type: type, url: `${site.origin}${path}`, name: 'm' })
  return {
    protocol,
    manual: at('/manual'),
    brokenManual: at('/nowhere'),
    call: { template: at(type === 'sse' ? '/events' : '/value'), args: { q: 'x' }, result },
    failingCall: { template: at('/nowhere'), args: {} },
    hangingCall: { template: at('/hang'), args: {} },
    end: () => site[Symbol.asyncDispose](),
  }
}

describeCommunicationProtocol('http', () => open('http', http()(), { n: 1 }))
describeCommunicationProtocol('sse', () => open('sse', sse()(), [{ n: 1 }]))
describeCommunicationProtocol('streamable_http', () => open('streamable_http', streamableHttp()(), [{ n: 1 }]))
