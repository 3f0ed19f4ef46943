import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import type { CpuTime, MemoryUse } from '../../src/children/serve-parent.ts'

const children = new Children()
afterEach(() => children.stopAll())

describe('Children', () => {
  it('starts a process, tells what it said, and asks it', async () => {
    const child = await children.start('relay-server')
    expect(child.started).toEqual({ port: expect.any(Number) })
    expect((await child.ask<CpuTime>('cpu')).cpuUs).toBeGreaterThan(0)
    expect((await child.ask<MemoryUse>('memory')).rss).toBeGreaterThan(1_000_000)
  })

  it('passes on why a command failed', async () => {
    const child = await children.start('relay-server')
    await expect(child.ask('dance')).rejects.toThrow('relay-server: There is no command "dance"')
  })

  it('passes on why a process could not start, and leaves none behind', async () => {
    await expect(children.start('relay-toolkit', { data: { port: 1 } })).rejects.toThrow(
      /relay-toolkit: .*ECONNREFUSED/,
    )
  })

  it('says so when there is no such process', async () => {
    await expect(children.start('no-such-process')).rejects.toThrow('There is no process "no-such-process"')
  })

  it('gives up on a process that does not get ready in time, and ends it', async () => {
    // Nothing can answer within a hundredth of a millisecond.
    await expect(children.start('relay-server', { timeoutMs: 0.01 })).rejects.toThrow('did not answer "start"')
  })

  it('rejects what a process was asked when it dies', async () => {
    const child = await children.start('relay-server')
    // A stopped process cannot answer before it is killed.
    process.kill(child.pid, 'SIGSTOP')
    const answer = child.ask('cpu')
    process.kill(child.pid, 'SIGKILL')
    await expect(answer).rejects.toThrow('relay-server ended (SIGKILL)')
    await expect(child.ask('cpu')).rejects.toThrow('relay-server')
  })

  it('ends a process, twice if need be', async () => {
    const child = await children.start('relay-server')
    await Promise.all([child.stop(), child.stop()])
    expect(isAlive(child.pid)).toBe(false)
  })

  it('takes its processes along when the parent is killed', async () => {
    const parent = spawn(process.execPath, [fileURLToPath(new URL('../fixtures/parent.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    try {
      expect(isAlive(pid)).toBe(true)
      parent.kill('SIGKILL')
      await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
    } finally {
      // One that stayed would hold the test run's streams open.
      if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
