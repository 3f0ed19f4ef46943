import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** What a stand-in for a server's admin routes was asked, and under which address it is. */
export interface AdminRoutes {
  url: string
  /** `METHOD path`, in order. */
  asked: string[]
}

/** Answers `METHOD path` (without the query) with a JSON value; anything else as an unknown thing. */
export async function serveAdminRoutes(answers: Record<string, unknown>): Promise<AdminRoutes> {
  const asked: string[] = []
  const server = createServer(({ method, url = '' }, response) => {
    asked.push(`${method} ${url}`)
    const answer = answers[`${method} ${url.split('?', 1)[0]}`]
    if (answer === undefined) {
      response.writeHead(404, { 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ detail: 'There is no such call', code: 'not_found', status: 404 }))
    } else response.end(answer === null ? '' : JSON.stringify(answer))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** The flags that lead to it. */
export function at({ url }: AdminRoutes): string[] {
  return ['--base-url', url, '--api-key', 'atp_admin_key']
}
