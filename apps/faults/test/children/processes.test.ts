import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Processes } from '../../src/children/processes.ts'
import type { ServerInfo } from '../../src/scene/server-info.ts'

function serverPlan(): { script: string; name: string; plan: unknown } {
  const dataDir = mkdtempSync(join(tmpdir(), 'atp-processes-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  return { script: 'server', name: 'server', plan: { dataDir, port: 0, limits: {} } }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it('starts a child, asks it, and ends it with all that waits for an answer', { timeout: 60_000 }, async () => {
  const processes = new Processes()
  const server = await processes.start(serverPlan())
  expect((server.started as ServerInfo).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(await server.ask('key', { kind: 'llm', name: 'a' })).toMatch(/^atp_llm_/)
  await expect(server.ask('unheard of')).rejects.toThrow('There is no command "unheard of"')
  // A server that stands still answers nothing, and still can be ended.
  server.signal('SIGSTOP')
  const waiting = expect(server.ask('clock')).rejects.toThrow('server ended with SIGKILL')
  await processes.killAll()
  await waiting
  expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' })
  expect(isAlive(server.pid)).toBe(false)
  await expect(server.ask('clock')).rejects.toThrow('is gone')
})

it('ends a child that does not become ready, and says what it complained about', { timeout: 60_000 }, async () => {
  // A file where its folder should be.
  const plan = { ...serverPlan(), plan: { dataDir: import.meta.filename, port: 0, limits: {} } }
  await expect(new Processes().start(plan)).rejects.toThrow(/processes\.test\.ts/)
})

it('ends its children when their parent ends', { timeout: 60_000 }, async () => {
  const { fork } = await import('node:child_process')
  const parent = fork(new URL('../fixtures/parent.ts', import.meta.url), { execArgv: ['--conditions=@atp/source'] })
  const [pid] = (await once(parent, 'message')) as [number]
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
})
