import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const check = fileURLToPath(new URL('../src/check.ts', import.meta.url))

it('every route answers as it should, on Node and in workerd', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@atp/source', check])
  expect(stdout).toMatch(/^ok {6}node .*$/m)
  expect(stdout).toMatch(/^ok {6}workerd .*$/m)
  expect(stdout).toMatch(/\n\d\d passed, 0 failed\n$/)
})
