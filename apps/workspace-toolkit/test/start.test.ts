import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { generateMasterKey, readDevKeys } from '@atp/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { TempWorkspace } from './temp-workspace.ts'

const started: ChildProcess[] = []
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
})

/** `npm start` without npm. */
function start(workspace: TempWorkspace, env: Record<string, string> = {}) {
  const script = new URL('../src/start.ts', import.meta.url).pathname
  const args = ['--conditions=@atp/source', script, '--folder', '.', '--port', '0', '--data', 'data']
  const { PATH } = process.env
  const child = spawn(process.execPath, args, {
    cwd: workspace.folder,
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  const output = { text: '', errors: '' }
  child.stdout.on('data', (bytes: Buffer) => {
    output.text += bytes.toString()
  })
  child.stderr.on('data', (bytes: Buffer) => {
    output.errors += bytes.toString()
  })
  const ready = vi.waitFor(() => expect(output.text).toContain('Ctrl-C ends both'), { timeout: 60_000, interval: 50 })
  return { child, output, ready, data: workspace.path('data') }
}

describe('npm start', () => {
  test('ends with an error when the key of its toolkit is revoked, and has a new one next time', {
    timeout: 120_000,
  }, async () => {
    using workspace = new TempWorkspace()
    const first = start(workspace)
    await first.ready
    const keys = await readDevKeys(first.data)
    const headers = { authorization: `Bearer ${keys?.adminKey}` }
    const answer = await fetch(`${keys?.baseUrl}/api/v2/keys`, { headers })
    const listed = (await answer.json()) as { keys: { id: string; name: string }[] }
    const { id } = listed.keys.find(({ name }) => name === 'workspace') ?? {}
    const exited = once(first.child, 'exit')
    await fetch(`${keys?.baseUrl}/api/v2/keys/${id}`, { method: 'DELETE', headers })
    expect(await exited).toEqual([1, null])
    expect(first.output.errors).toContain('error: the server refuses the key of the workspace toolkit')
    expect(first.output.errors).not.toContain('starting it again')
    await start(workspace).ready
  })

  test('takes the encryption keys of the environment, and makes none of its own then', {
    timeout: 120_000,
  }, async () => {
    using workspace = new TempWorkspace()
    const { ready, data } = start(workspace, { ATP_ENCRYPTION_KEYS: generateMasterKey().entry })
    await ready
    expect(await readdir(data)).not.toContain('encryption-keys')
  })

  test('does not write the keys that it is given into an error', { timeout: 120_000 }, async () => {
    using workspace = new TempWorkspace()
    const { child, output } = start(workspace, { ATP_ENCRYPTION_KEYS: 'k1:canary-canary-canary' })
    expect(await once(child, 'exit')).toEqual([1, null])
    expect(output.errors).toMatch(/^error: /)
    expect(output.errors).not.toContain('canary')
  })
})
