import { setTimeout as wait } from 'node:timers/promises'
import { settings } from './host.ts'

/** What came back, read to its end. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  /** Undefined when the text is not JSON. */
  json: unknown
}

/** One server-sent event. */
export interface SentEvent {
  id: string
  event: string
  data: unknown
}

type Body = object | URLSearchParams

/** Talks to one host as its users do. */
export class Client {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  get(path: string): Promise<Answer> {
    return this.send(path, {})
  }

  /** Runs a tool as anybody. */
  call(tool: string, body: Body, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(`/atp/links/${tool}`, { method: 'POST', body, headers })
  }

  /** Runs a tool as the editor. */
  edit(tool: string, body: Body, headers: Record<string, string> = {}): Promise<Answer> {
    return this.call(tool, body, { authorization: `Bearer ${settings.EDITOR_KEY}`, ...headers })
  }

  async send(
    path: string,
    { method = 'GET', body, headers = {} }: { method?: string; body?: Body; headers?: Record<string, string> },
  ): Promise<Answer> {
    const isForm = body instanceof URLSearchParams
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: readJson(text) }
  }

  /** Asks again until it is so. @throws Error when it is not so within ten seconds */
  async until(isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 10_000
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error('It did not become so within 10 s')
      await wait(20)
    }
  }
}

/** The events of a stream's text; comments are left out. */
export function readEvents(text: string): SentEvent[] {
  return text.split('\n\n').flatMap((block) => {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    const data = field('data')
    return data === undefined ? [] : [{ id: field('id') ?? '', event: field('event') ?? '', data: JSON.parse(data) }]
  })
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
