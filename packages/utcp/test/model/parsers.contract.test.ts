import { type Auth, type CallTemplate, TemplateReader } from '../../src/index.ts'
import { describeAuthParser, describeCallTemplateParser } from '../contracts/index.ts'

const reader = new TemplateReader()
const templates: Record<string, [valid: Record<string, unknown>, member: string]> = {
  http: [{ url: 'u' }, 'url'],
  sse: [{ url: 'u' }, 'reconnect'],
  streamable_http: [{ url: 'u' }, 'chunk_size'],
  cli: [{ command_name: 'x' }, 'commands'],
  text: [{ content: 'x' }, 'content'],
  file: [{ file_path: 'x' }, 'file_path'],
  mcp: [{ config: { mcpServers: {} } }, 'config'],
  tcp: [{ host: 'h', port: 1 }, 'port'],
  udp: [{ host: 'h', port: 1 }, 'port'],
  websocket: [{ url: 'u' }, 'message'],
  graphql: [{ url: 'u' }, 'operation_type'],
  'direct-call': [{ callable_name: 'f' }, 'callable_name'],
}
const auths: Record<string, [valid: Record<string, unknown>, member: string]> = {
  api_key: [{ api_key: 'k' }, 'location'],
  basic: [{ username: 'u', password: '' }, 'password'],
  oauth2: [{ token_url: 't', client_id: 'c', client_secret: 's' }, 'scope'],
  oauth2_user: [{ access_token: 't' }, 'grant_type'],
}

for (const [callTemplateType, [members, member]] of Object.entries(templates)) {
  const valid: CallTemplate = { call_template_type: callTemplateType, ...members }
  const parse = (template: CallTemplate, path: string): CallTemplate => reader.read(template, path, () => {})
  describeCallTemplateParser({ callTemplateType, parse }, { valid, wrong: { member, value: -1 } })
}

for (const [authType, [members, member]] of Object.entries(auths)) {
  const valid: Auth = { auth_type: authType, ...members }
  const parse = (auth: Auth, path: string): Auth =>
    reader.read({ call_template_type: 'x', auth }, path, () => {}).auth as Auth
  describeAuthParser({ authType, parse }, { valid, wrong: { member, value: -1 } })
}
