import { bundleEntry } from '@atp/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startWorkerd, type Worker } from './support/start-workerd.ts'

describe('a Hono app with tools in workerd', () => {
  let worker: Worker
  beforeAll(async () => {
    const script = await bundleEntry(new URL('./hosts/bindings.ts', import.meta.url))
    worker = await startWorkerd(script, { GREETING: 'Good morning' })
  })
  afterAll(() => worker?.dispose())

  const run = async (tool: string, body: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    return (await fetch(`${worker.url}/atp/worker/${tool}`, init)).json()
  }

  it('gives its bindings and its execution context to tools', async () => {
    expect(await run('greet', { name: 'Ada' })).toEqual({ result: 'Good morning, Ada!' })
    const later = async (): Promise<unknown> => (await fetch(`${worker.url}/later`)).json()
    await vi.waitFor(async () => expect(await later()).toEqual(['greeted Ada']))
  })

  it('runs where no code may be generated', async () => {
    expect(await run('generate', {})).toMatchObject({
      code: 'tool_error',
      error: expect.stringMatching(/[Cc]ode generation/),
    })
  })
})
