import { expect } from 'vitest'
import type { Counts } from './fixtures/probe.ts'
import { type Answer, call, get } from './http-client.ts'
import type { RoutesHost } from './route-behaviour.ts'

/** What every refusal looks like, whichever host gives it. */
export function expectError(answer: Answer, status: number, code: string, text?: string | RegExp): void {
  expect({ status: answer.status, json: answer.json, text: answer.text }).toEqual({
    status,
    json: {
      error: text === undefined ? expect.any(String) : typeof text === 'string' ? text : expect.stringMatching(text),
      code,
      request_id: expect.stringMatching(/./),
      retryable: expect.any(Boolean),
      ...(hasDetails(answer.json) ? { details: expect.any(Object) } : {}),
    },
    text: expect.any(String),
  })
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
}

/** What bad input may cost: one refusal with a status of the caller's fault, and nothing of ours in it. */
export function expectCheapRefusal(answer: Answer): void {
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect(answer.text).not.toMatch(/node_modules|\bat .*:\d+:\d+/)
}

/** A 404 that is not ours: the app answered. */
export function expectPassedOn(answer: Answer): void {
  expect(answer.status).toBe(404)
  const json = typeof answer.json === 'object' && answer.json !== null ? answer.json : {}
  expect(Object.keys(json)).not.toContain('request_id')
  expect(Object.keys(json)).not.toContain('code')
}

/** That the host still works, after something that could have hurt it. */
export async function expectAlive(host: RoutesHost): Promise<void> {
  const answer = await get(host, '/public/atp/')
  expect(answer.status).toBe(200)
}

/** What the probe counted under an id. */
export async function countsOf(host: RoutesHost, id: string): Promise<Counts> {
  return (await call(host, '/public/atp/probe/report', { id })) as Counts
}

function hasDetails(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'details' in json
}
