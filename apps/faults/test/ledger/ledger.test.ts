import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AtpError, errorCodes } from '@atp/core'
import { expect, it, onTestFinished } from 'vitest'
import { openLedger, readLedgers } from '../../src/ledger/ledger.ts'
import { toStatus } from '../../src/ledger/to-status.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'atp-ledger-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const started = { event: 'started', ref: 'w', callId: 'c', run: 'r' } as const

it('merges what several processes wrote, in the order of time', () => {
  const path = folder()
  const [a, b] = [openLedger(path, 'a'), openLedger(path, 'b')]
  a.write(started, 1)
  a.write(started, 3)
  b.write(started, 2)
  a.close()
  // A process that was started again goes on in its ledger.
  openLedger(path, 'a').write(started, 4)
  expect(readLedgers(path).map(({ by, at }) => `${by}${at}`)).toEqual(['a1', 'b2', 'a3', 'a4'])
})

it('drops a last line that was cut off, and no other', () => {
  const path = folder()
  openLedger(path, 'a').write(started, 1)
  appendFileSync(join(path, 'a.ndjson'), '{"event":"sta')
  expect(readLedgers(path)).toHaveLength(1)
  appendFileSync(join(path, 'a.ndjson'), '\n')
  expect(() => readLedgers(path)).toThrow()
})

it('has on disk what a process wrote right before it was killed', async () => {
  const path = folder()
  const source = fileURLToPath(new URL('../../src/ledger/ledger.ts', import.meta.url))
  const code =
    `import { openLedger } from ${JSON.stringify(source)}\n` +
    `openLedger(${JSON.stringify(path)}, 'killed').write(${JSON.stringify(started)})\n` +
    "process.kill(process.pid, 'SIGKILL')\n"
  const child = spawn(process.execPath, ['--conditions=@atp/source', '--input-type=module', '--eval', code])
  await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  expect(readLedgers(path)).toMatchObject([{ by: 'killed', event: 'started' }])
})

it('has a status for every code, and takes none for a refusal that may come after a run', () => {
  const of = (status: string) =>
    Object.keys(errorCodes).filter((code) => toStatus(new AtpError(code as 'busy', ''), false) === status)
  expect(of('not_run')).toEqual(
    expect.arrayContaining(['busy', 'toolkit_offline', 'delivery_failed', 'queue_full', 'connection_failed']),
  )
  expect(of('outcome_unknown').sort()).toEqual(['outcome_unknown', 'toolkit_disconnected'])
  expect(of('failed')).toContain('tool_error')
  expect(toStatus(new AtpError('connection_failed', ''), true)).toBe('lost_connection')
  expect(toStatus(new TypeError('a defect'), false)).toBe('failed')
})
