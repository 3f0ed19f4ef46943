import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type OutputChunk, rolldown } from 'rolldown'
import type { BenchRow } from '../bench-row.ts'
import { toBenchResult } from '../report/bench-result.ts'

const schema = 'z.object({ text: z.string(), n: z.number() })'

const ours = `
  import { Toolkit } from '@atp/core'
  import { atp } from '@atp/hono'
  import { Hono } from 'hono'
  import { z } from 'zod'

  const toolkit = new Toolkit({ appName: 'bench' })
  toolkit.registerTool({ name: 'echo', description: 'Gives back what it got', params: ${schema} }, (args) => args)
  export default new Hono().route('/', atp(toolkit, { authorize: 'public' }))
`

// Of the peer's two ways the smaller one: createMcpHandler brings both protocol revisions along.
const mcp = `
  import { McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
  import { z } from 'zod'

  async function fetch(request) {
    const server = new McpServer({ name: 'bench', version: '1.0.0' })
    const inputSchema = ${schema}
    server.registerTool('echo', { description: 'Gives back what it got', inputSchema }, (args) => ({
      content: [{ type: 'text', text: JSON.stringify(args) }],
    }))
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
    await server.connect(transport)
    return transport.handleRequest(request)
  }
  export default { fetch }
`

/** What the author of the tool brings along in any case. */
const zodAlone = `
  import { z } from 'zod'

  const schema = ${schema}
  export default { fetch: async (request) => [schema.parse(await request.json()), z.toJSONSchema(schema)] }
`

const honoAlone = `
  import { Hono } from 'hono'

  export default new Hono().post('/', async (c) => c.json(await c.req.json()))
`

/** How much a Worker with one tool weighs: it is loaded anew wherever it starts. */
export const row: BenchRow = {
  id: 'edge-bundle',
  summary: 'size of a Worker with one zod tool: core and hono, beside the MCP server over streamable HTTP',
  async run({ progress }) {
    const [atpSize, mcpSize] = [await measure('ours', ours), await measure('mcp', mcp)]
    progress(`ours ${describeSize(atpSize)}, MCP ${describeSize(mcpSize)}`)
    await checkAnswers(atpSize.code, atpCall, { result: { text: 'hello', n: 1 } })
    await checkAnswers(mcpSize.code, mcpCall, {
      result: { content: [{ type: 'text', text: '{"text":"hello","n":1}' }] },
    })
    const parts = { zod: await measure('zod', zodAlone), Hono: await measure('hono', honoAlone) }
    const partNotes = Object.entries(parts).map(
      ([name, size]) => `${name} alone, used the same way: ${describeSize(size)}`,
    )
    return [
      toBenchResult({
        id: 'edge-bundle',
        what: 'Worker with one zod tool, minified and gzipped',
        unit: 'kB',
        ours: atpSize.gzipped / 1000,
        peer: mcpSize.gzipped / 1000,
        notes: [`minified: ours ${kilobytes(atpSize.minified)}, MCP ${kilobytes(mcpSize.minified)}`, ...partNotes],
      }),
    ]
  },
}

interface BundleSize {
  code: string
  minified: number
  gzipped: number
}

async function measure(name: string, source: string): Promise<BundleSize> {
  const { code, imports } = await bundle(name, source)
  if (imports.length > 0) throw new Error(`The bundle "${name}" imports ${imports.join(', ')}`)
  const minified = Buffer.from(code)
  return { code, minified: minified.length, gzipped: (await promisify(gzip)(minified, { level: 9 })).length }
}

async function bundle(name: string, source: string): Promise<OutputChunk> {
  // Stands in this folder, so that its imports are those of this app.
  const entry = fileURLToPath(new URL(`./${name}-worker.js`, import.meta.url))
  const build = await rolldown({
    input: entry,
    platform: 'neutral',
    resolve: { conditionNames: ['@atp/source', 'workerd', 'worker', 'import', 'default'] },
    plugins: [
      { name: 'entry', load: (id) => (id === entry ? source : null), resolveId: (id) => (id === entry ? id : null) },
    ],
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'esm', minify: true })
  await build.close()
  return output[0]
}

const atpCall = new Request('http://localhost/atp/bench/echo', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ text: 'hello', n: 1 }),
})

const mcpCall = new Request('http://localhost/mcp', {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo', arguments: { text: 'hello', n: 1 } },
  }),
})

/** A bundle that lost what it needs would be small, too. */
async function checkAnswers(code: string, call: Request, expected: { result: unknown }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'atp-bench-'))
  try {
    const file = join(folder, 'worker.mjs')
    await writeFile(file, code)
    const worker = (await import(pathToFileURL(file).href)) as {
      default: { fetch(request: Request): Promise<Response> }
    }
    const answer = await (await worker.default.fetch(call.clone())).text()
    const { result } = JSON.parse(answer) as { result?: unknown }
    if (JSON.stringify(result) !== JSON.stringify(expected.result)) throw new Error(`A bundle answered ${answer}`)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function describeSize({ minified, gzipped }: BundleSize): string {
  return `${kilobytes(minified)} minified, ${kilobytes(gzipped)} gzipped`
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}
