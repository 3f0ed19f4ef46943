import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { ssrfCorpus } from '@atp/testing/egress'
import type { CallTemplate, CommunicationProtocol } from '@atp/utcp'
import { describe, expect, it } from 'vitest'
import { http, type PlainFetch, sse, streamableHttp } from '../src/edge.ts'
import { call, discover } from './support/calls.ts'
import { failureOf } from './support/failure.ts'
import { json, startSite } from './support/site.ts'

const template = (url: string, changes: Partial<CallTemplate> = {}): CallTemplate => ({
  ...{ call_template_type: 'http', url },
  ...changes,
})

describe('a fetch of the platform', () => {
  /** Writes down what it is asked for, and answers. */
  function recorded(response = (): Response => Response.json({ ok: true })): { fetch: PlainFetch; asked: string[] } {
    const asked: string[] = []
    const fetch: PlainFetch = async (url) => {
      asked.push(url)
      return response()
    }
    return { fetch, asked }
  }

  it('reaches what is public, and nothing that the text of a URL gives away', async () => {
    const { fetch, asked } = recorded()
    const protocols: [CommunicationProtocol, string][] = [
      [http({ fetch })(), 'http'],
      [sse({ fetch })(), 'sse'],
      [streamableHttp({ fetch })(), 'streamable_http'],
    ]
    // What a name leads to is up to the platform.
    const corpus = ssrfCorpus(49_151).filter(({ why }) => !/^a name (?:with an|in another)/.test(why))
    expect(corpus.length).toBeGreaterThan(130)
    for (const [protocol, call_template_type] of protocols) {
      for (const { url, rule } of corpus) {
        for (const reached of [
          call(protocol, template('{url}', { call_template_type }), { url }),
          discover(protocol, template(url, { call_template_type })),
        ]) {
          const { code, details } = await failureOf(reached)
          if (code !== 'invalid_arguments')
            expect([url, code, details]).toMatchObject([url, 'egress_refused', { rule }])
        }
      }
    }
    expect(asked).toEqual([])
    expect(await call(protocols[0]?.[0] as CommunicationProtocol, template('https://api.example/#x'))).toEqual({
      ok: true,
    })
    expect(asked).toEqual(['https://api.example/'])
  })

  it('follows no redirect', async () => {
    const { fetch, asked } = recorded(() => new Response(null, { status: 302, headers: { location: '/next' } }))
    const error = await failureOf(call(http({ fetch })(), template('https://api.example/')))
    expect(error).toMatchObject({ code: 'egress_refused', details: { rule: 'E5' } })
    expect(asked).toHaveLength(1)
  })

  it('reaches this machine only where that is open, and sends no body by GET', async () => {
    await using site = await startSite(({ body }, response) => json(response, { body }))
    const closed = http({ fetch })()
    expect(await failureOf(call(closed, template(site.origin)))).toMatchObject({ code: 'egress_refused' })
    const open = http({ fetch, allowLoopback: true })()
    expect(await call(open, template(site.origin, { http_method: 'POST' }), { body: 1 })).toEqual({ body: '1' })
    expect(await failureOf(call(open, template(site.origin), { body: 1 }))).toMatchObject({ code: 'unsupported' })
  })

  it('fails with codes of ours', async () => {
    const broken: PlainFetch = async () => {
      throw new TypeError('fetch failed')
    }
    const error = await failureOf(call(http({ fetch: broken })(), template('https://api.example/?key=hidden')))
    expect(error).toMatchObject({ code: 'connection_failed', retryable: true })
    expect(error.message).not.toContain('hidden')
    const abort = new AbortController()
    abort.abort(new Error('enough'))
    const aborted = call(http({ fetch })(), template('https://api.example/'), {}, { signal: abort.signal })
    expect((await failureOf(aborted)).message).toBe('enough')
  })

  it('whose stream breaks off is asked again by GET, and never by POST', async () => {
    let answers = 0
    await using site = await startSite((_, response) => {
      answers += 1
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      if (answers % 2 === 0) return response.end('data: 2\n\n')
      return response.write('retry: 5\ndata: 1\n\n', () => setImmediate(() => response.destroy()))
    })
    const open = sse({ fetch, allowLoopback: true })()
    const stream = template(site.origin, { call_template_type: 'sse', body_field: 'b' })
    expect(await call(open, stream)).toEqual([1, 2])
    expect(await failureOf(call(open, stream, { b: 1 }))).toMatchObject({ code: 'connection_failed' })
    expect(site.seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST'])
  })

  it('whose answer breaks off is a failed connection', async () => {
    await using site = await startSite((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' })
      response.write('begins', () => setImmediate(() => response.destroy()))
    })
    const open = http({ fetch, allowLoopback: true })()
    expect(await failureOf(call(open, template(site.origin)))).toMatchObject({ code: 'connection_failed' })
  })
})

describe('the entry for the edge', () => {
  it('is one file without Node, and works where no code may be generated', async () => {
    const code = await bundle()
    const folder = await mkdtemp(join(tmpdir(), 'utcp-http-'))
    try {
      const file = join(folder, 'bundle.mjs')
      await writeFile(file, code)
      await writeFile(join(folder, 'probe.mjs'), probe(pathToFileURL(file).href))
      const args = ['--disallow-code-generation-from-strings', join(folder, 'probe.mjs')]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      expect(stdout).toBe('{"n":0} Basic w7w6cA== [{"n":1}]')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** Bundles as worker platforms do. */
async function bundle(): Promise<string> {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: fileURLToPath(new URL('../src/edge.ts', import.meta.url)),
    platform: 'neutral',
    resolve: {
      conditionNames: ['@atp/source', 'workerd', 'worker', 'browser', 'import', 'default'],
      mainFields: ['module', 'main'],
    },
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  const [chunk, ...others] = output.filter((each) => each.type === 'chunk')
  expect(others).toEqual([])
  expect([...(chunk?.imports ?? []), ...(chunk?.dynamicImports ?? [])]).toEqual([])
  return chunk?.code ?? ''
}

/** Calls after the globals of Node are gone. */
function probe(file: string): string {
  return `
const { exit, stdout } = process
// Made beforehand: the responses of Node need what is taken away.
const json = (text) => new Response(new Blob([text]).stream(), { headers: { 'content-type': 'application/json' } })
const answers = { x: json('{"n":0}'), events: new Response('data: {"n":1}\\n\\n', { headers: { 'content-type': 'text/event-stream' } }) }
let authorization
for (const name of ['process', 'Buffer', 'global', 'setImmediate', 'clearImmediate']) delete globalThis[name]
const { http, sse } = await import(${JSON.stringify(file)})
const fetch = async (url, { headers }) => {
  authorization = headers.Authorization
  return answers[url.split('/').at(-1)]
}
const caller = { rootDir: undefined, logger: console }
const context = { signal: new AbortController().signal, maxResponseBytes: 1000, manualCallTemplate: { call_template_type: 'text' } }
const auth = { auth_type: 'basic', username: 'ü', password: 'p' }
const template = { call_template_type: 'http', url: 'https://a.example/x', auth }
const one = await http({ fetch })().callTool(caller, 'm.t', {}, template, context)
const events = await sse({ fetch })().callTool(caller, 'm.t', {}, { ...template, call_template_type: 'sse', url: 'https://a.example/events' }, context)
stdout.write(JSON.stringify(one) + ' ' + authorization + ' ' + JSON.stringify(events), () => exit(0))
`
}
