import { timingSafeEqual } from 'node:crypto'
import { Toolkit } from '@atp/core'
import * as z from 'zod'
import { checkEchoJson, echoJson, echoTool } from './echo.ts'
import type { HttpAnswer } from './http-connection.ts'

/** Who serves the route: our adapter; the framework with what a careful developer writes; the framework alone. */
export type RouteKind = 'ours' | 'hand' | 'bare'

/** What a server of `processes/` is told. */
export interface RouteData {
  kind: RouteKind
}

/** Where the echo is served. */
export const echoPath: string = `/atp/bench/${echoTool}`

/** The key that running it takes. */
export const echoKey = 'atp_toolkit_bench_0123456789abcdef0123456789abcdef'

/** The bytes of every request, as a client with a connection of its own sends them. */
export function echoRequest(port: number): Buffer {
  const head = [
    `POST ${echoPath} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'connection: keep-alive',
    `authorization: Bearer ${echoKey}`,
    'content-type: application/json',
    'accept: application/json',
    'user-agent: bench',
    `content-length: ${echoJson.length}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${echoJson}`)
}

/** @throws Error showing the answer when it is not 200 with the echo */
export function checkEchoAnswer({ status, body }: HttpAnswer): void {
  if (status !== 200 || body !== echoAnswer) checkEchoJson(`${status} ${body}`)
}

const echoAnswer = `{"result":${echoJson}}`

/** The largest body, in bytes. */
export const maxBodyBytes = 1_048_576

/** How long a call may take, in milliseconds. */
export const deadlineMs = 120_000

/** What callers send. */
export const echoSchema: z.ZodObject<{ text: z.ZodString; n: z.ZodNumber }> = z.object({
  text: z.string(),
  n: z.number(),
})

/** What the route is for, the same function for ours and for the one by hand. */
export async function echo(args: z.infer<typeof echoSchema>): Promise<z.infer<typeof echoSchema>> {
  return args
}

/** Gives a toolkit the echo as a tool. */
export function registerEcho(toolkit: Toolkit): void {
  toolkit.registerTool({ name: echoTool, description: 'Gives back what it got', params: echoSchema }, echo)
}

/** The echo as a tool of ours. */
export function createEchoToolkit(apiKey: string = echoKey): Toolkit {
  const toolkit = new Toolkit({ appName: 'bench', apiKey })
  registerEcho(toolkit)
  return toolkit
}

const rightHeader = Buffer.from(`Bearer ${echoKey}`)

/** The key check of the routes by hand: Node's own comparison in constant time. */
export function holdsKey(authorization: string | undefined): boolean {
  const given = Buffer.from(authorization ?? '')
  return given.length === rightHeader.length && timingSafeEqual(given, rightHeader)
}

/**
 * The deadline of the routes by hand.
 * @throws DeadlineError when the work is not done in time
 */
export async function withDeadline<T>(work: Promise<T>, ms: number = deadlineMs): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError()), ms)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** The work was not done in time. */
export class DeadlineError extends Error {
  constructor() {
    super('The deadline has passed')
  }
}
