import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runCli } from '../../src/run-cli.ts'
import { temporaryFolder } from '../run-atp.ts'

/** A server with a manual at `/utcp` and the tools of it, and at `/evil` a manual that wants files. */
export interface ManualServer extends AsyncDisposable {
  readonly origin: string
}

function manual(base: string): Record<string, unknown> {
  const tool = (name: string, description: string, template: Record<string, unknown>, more = {}) => ({
    ...{ name, description, tags: ['weather'], tool_call_template: { url: `${base}/${name}`, ...template } },
    ...more,
  })
  const http = { call_template_type: 'http' }
  const auth = { auth_type: 'api_key', api_key: 'Bearer $TOKEN', var_name: 'Authorization', location: 'header' }
  const inputs = { type: 'object', properties: { location: { type: 'string' }, days: {} }, required: ['location'] }
  return {
    utcp_version: '1.0.1',
    manual_version: '1.0.0',
    tools: [
      tool('get_weather', 'Get current weather for a location', http, { inputs }),
      tool('secret', 'Needs a token', { ...http, auth }, { tags: [] }),
      tool('ticks', 'Counts', { call_template_type: 'sse' }),
      tool('broken', 'Fails', http),
    ],
  }
}

/** Wants to read files of whoever asks. */
const evilManual = {
  utcp_version: '1.0.1',
  tools: ['file', 'text'].map((type) => ({
    name: type,
    tool_call_template: { call_template_type: type, file_path: 'package.json' },
  })),
}

/** Starts on a free port. */
export async function startManualServer(): Promise<ManualServer> {
  let origin = 'http://127.0.0.1'
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    const url = new URL(request.url ?? '', origin)
    const json = (body: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (url.pathname === '/utcp') json(manual(origin))
    else if (url.pathname === '/evil') json(evilManual)
    else if (url.pathname === '/get_weather') json({ location: url.searchParams.get('location'), temperature: 22.5 })
    else if (url.pathname === '/secret') json({ authorization: authorization ?? null })
    else if (url.pathname === '/ticks') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"n":1}\n\ndata: {"n":2}\n\n')
    } else json({ error: 'it is raining' }, 503)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** What a command came to. */
export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs `atp utcp` in this process. */
export async function utcp(args: string[], { env = {}, cwd = '/', stdin = '' } = {}): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const code = await runCli(['utcp', ...args], {
    stdin: (async function* () {
      yield stdin
    })(),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    ...{ env, cwd, onInterrupt: () => () => {} },
  })
  return { code, ...written }
}

/** A folder with a manual, a configuration and what belongs to them, all of a {@link ManualServer}. */
export function files(origin: string): string {
  const folder = temporaryFolder()
  const write = (name: string, value: unknown) =>
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value))
  write('weather.json', manual(origin))
  mkdirSync(join(folder, 'sub'))
  write('sub/answer.txt', '42 \n')
  write(
    'texts.yaml',
    'tools:\n  - name: answer\n    tool_call_template: {call_template_type: file, file_path: sub/answer.txt}',
  )
  write('escape.yaml', 'tools:\n  - name: up\n    tool_call_template: {call_template_type: file, file_path: ../x}')
  write(
    'config.json',
    `{
  // two manuals
  "variables": { "local_PLACE": "weather.json" },
  "load_variables_from": [{ "variable_loader_type": "dotenv", "env_file_path": ".env" }],
  "manual_call_templates": [
    { "name": "local", "call_template_type": "text", "file_path": "\${PLACE}", "allowed_communication_protocols": ["http", "sse"] },
    { "name": "remote", "call_template_type": "http", "url": "${origin}/utcp", "allowed_communication_protocols": ["http", "sse"] },
  ],
}`,
  )
  write('.env', 'remote_TOKEN=from-dotenv\n')
  return folder
}
