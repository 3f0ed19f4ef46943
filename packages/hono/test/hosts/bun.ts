import { createContractHonoApp } from '../support/contract-hono-app.ts'

/** The part of Bun's API that this file needs. */
declare const Bun: {
  serve(options: {
    port: number
    hostname: string
    idleTimeout: number
    maxRequestBodySize: number
    fetch(request: Request): Response | Promise<Response>
  }): { readonly port: number }
  readonly stdin: { stream(): ReadableStream<Uint8Array> }
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  // Bun's own 10 s end a silent connection sooner than the first heartbeat of a stream comes.
  idleTimeout: 60,
  // Above this Bun answers 413 itself; what is tested here is the limit of the routes.
  maxRequestBodySize: 1_000_000_000,
  fetch: createContractHonoApp().fetch,
})
console.log(`http://127.0.0.1:${server.port}`)
// Whoever started this holds its standard input open.
for await (const _ of Bun.stdin.stream());
process.exit(0)
