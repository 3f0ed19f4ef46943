import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('passes its own check', async () => {
  const script = fileURLToPath(new URL('../src/check.ts', import.meta.url))
  const flags = ['--conditions=@atp/source', '--import', '@oxc-node/core/register']
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const child = spawn(process.execPath, [...flags, script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  expect({ code, errors, output }).toMatchObject({ code: 0, errors: '' })
  expect(output).toMatch(/\n(\d+) passed, 0 failed\n$/)
})
