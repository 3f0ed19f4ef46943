import { expect, it } from 'vitest'
import { startChild } from './support/child.ts'

it.each(['SIGTERM', 'SIGINT'] as const)('%s ends the process in order, with code 0', async (signal) => {
  await using child = startChild('failing-process', [])
  await child.line('ready')
  const code = child.kill(signal)
  await expect(child.line(/^stopping/)).resolves.toBe(`stopping: ${signal}`)
  await expect(code).resolves.toBe(0)
})

it('takes the same Ctrl-C twice for one, as npm passes it on beside the terminal', async () => {
  await using child = startChild('failing-process', [])
  await child.line('ready')
  child.process.kill('SIGINT')
  await expect(child.kill('SIGINT')).resolves.toBe(0)
})

it.each(['throws', 'rejects'])('a defect that nobody caught (%s) ends it in order, with code 1', async (how) => {
  await using child = startChild('failing-process', [how])
  await expect(child.line(/^stopping/)).resolves.toBe('stopping: defect')
  await expect(new Promise((done) => child.process.on('exit', done))).resolves.toBe(1)
})

it.each(['stuck', 'stop fails'])('ends with code 1 when stopping does not work (%s)', async (how) => {
  await using child = startChild('failing-process', [how])
  await child.line('ready')
  await expect(child.kill('SIGTERM')).resolves.toBe(1)
})
