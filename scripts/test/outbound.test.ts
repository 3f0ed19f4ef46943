import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findOutbound } from './find-outbound.ts'
import { typescriptFiles } from './read-imports.ts'

const packages = fileURLToPath(new URL('../../packages', import.meta.url))

/** Rule E1: @atp/egress makes all outbound connections. Who else may, by file or folder below `packages/`, and why. */
const exceptions: Readonly<Record<string, string>> = {
  'egress/src/': 'is the guard itself',
  'core/src/clients/llm-client.ts': 'the developer’s own client, to the server that the developer named; runs anywhere',
  'core/src/clients/http-llm-door.ts': 'calls the fetch that the LLM client gives it',
  'core/src/clients/http-call-follower.ts': 'the same, for the rest of a stream',
  'core/src/clients/stored-calls.ts': 'the same, for calls that were left to the server',
  'core/src/clients/store-client.ts': 'the same, for what the server offers',
  'core/src/clients/toolkit-way.ts': 'the developer’s own toolkit, to the server that the developer named',
  'core/src/clients/legacy/': 'calls the fetch that the toolkit client gives it',
  'core/src/transport/websocket-node.ts': 'the socket of core’s clients, to the server that the developer named',
  'core/src/transport/websocket-global.ts': 'the same where the platform has sockets of its own',
  'cli/src/admin-client.ts': 'the operator’s own command, to the server that the operator named',
  'cli/src/lint/no-network.ts': 'opens nothing: takes the means to connect from the modules that lint loads',
  'server/src/store/postgres/': 'the driver of the database that the operator named',
  'testing/src/': 'private test code, which speaks to servers of its own on loopback',
}

const findings = readdirSync(packages).flatMap((name) =>
  typescriptFiles(join(packages, name, 'src')).flatMap((file) => {
    const text = readFileSync(join(packages, name, 'src', file), 'utf8')
    const path = `${name}/src/${file}`
    return findOutbound(text, path).map(({ line, what }) => ({ path, place: `${path}:${line}: ${what}` }))
  }),
)
const isExcepted = (path: string): boolean => Object.keys(exceptions).some((prefix) => path.startsWith(prefix))

describe('outbound connections', () => {
  it('are made by @atp/egress alone, apart from the exceptions above', () => {
    expect(findings.filter(({ path }) => !isExcepted(path)).map(({ place }) => place)).toEqual([])
  })

  it.each(Object.keys(exceptions))('are still made by the exception %s', (prefix) => {
    expect(findings.filter(({ path }) => path.startsWith(prefix))).not.toEqual([])
  })
})

describe('findOutbound', () => {
  it.each([
    ["fetch('https://a')", ['fetch']],
    ["await globalThis.fetch('https://a')", ['fetch']],
    ["globalThis['fetch']('https://a')", ['fetch']],
    ['const get = options.fetch ?? fetch', ['fetch']],
    ['const { fetch: get = fetch } = options', ['fetch']],
    ['export const options = { fetch }', ['fetch']],
    ['call(fetch as Fetch)', ['fetch']],
    ["new WebSocket('wss://a')", ['WebSocket']],
    ["import { connect as c } from 'node:net'", ['node:net connect']],
    ["import { createConnection } from 'net'", ['net createConnection']],
    ["import net from 'node:net'", ['node:net *']],
    ["import * as tls from 'node:tls'", ['node:tls *']],
    ["import { request, createServer } from 'node:https'", ['node:https request']],
    ["import 'node:http'", ['node:http']],
    ["import { Agent } from 'undici'", ['undici Agent']],
    ["export { request } from 'undici'", ['undici request']],
    ["export * from 'undici'", ['undici *']],
    ["const { request } = await import('node:http')", ['node:http *']],
    ["const http = require('http')", ['http *']],
    ["import { createSocket } from 'node:dgram'", ['node:dgram createSocket']],
    ["import WebSocket from 'ws'", ['ws *']],
  ])('finds %s', (text, expected) => {
    expect(findOutbound(text, 'x.ts').map(({ what }) => what)).toEqual(expected)
  })

  it.each([
    "import type { Socket } from 'node:net'",
    "import { type Socket, isIP, createServer } from 'node:net'",
    "import { WebSocketServer, type WebSocket } from 'ws'",
    "export type { Agent } from 'undici'",
    'export interface Options { fetch?: typeof fetch; open(url: string): WebSocket }',
    "const answer = options.fetch('https://a')",
    'class Door { fetch(url: string) { return this.#door.fetch(url) } }',
    'const options = { fetch: handler }',
    'const { fetch } = options',
    'export function open({ fetch }: Options, guarded: typeof fetch) { return guarded }',
    "// fetch('https://a') and import net from 'node:net'",
    "const text = `fetch('https://a')`",
  ])('is content with %s', (text) => {
    expect(findOutbound(text, 'x.ts')).toEqual([])
  })

  it('tells the line', () => {
    expect(findOutbound("\n\nconst a = 1\nfetch('https://a')", 'x.ts')).toEqual([{ line: 4, what: 'fetch' }])
  })
})
