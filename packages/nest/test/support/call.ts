/** What a route answered. */
export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  json: any
  text: string
  headers: Headers
}

/** Sends a request and reads its answer. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, json: readJson(text), text, headers: response.headers }
}

/** Posts arguments as JSON. */
export function post(url: string, args: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> {
  return send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof args === 'string' ? args : JSON.stringify(args),
  })
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
