import { createContractHonoApp } from '../support/contract-hono-app.ts'

/** The part of Deno's API that this file needs. */
declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): unknown
  exit(code: number): never
  readonly stdin: { readonly readable: ReadableStream<Uint8Array> }
}

Deno.serve(
  { port: 0, hostname: '127.0.0.1', onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`) },
  createContractHonoApp().fetch,
)
// Whoever started this holds its standard input open.
for await (const _ of Deno.stdin.readable);
Deno.exit(0)
