import { describe, expect, it } from 'vitest'
import { runAtp, startAtp } from './run-atp.ts'

describe('the atp command', () => {
  it('runs from its sources', async () => {
    const { code, stdout, stderr } = await runAtp(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: atp /)
  })

  it('exits with 2 on wrong usage', async () => {
    expect((await runAtp(['nonsense'])).code).toBe(2)
  })

  it('exits without a word when nobody reads its output any more', async () => {
    const running = startAtp(['help', 'call'])
    running.child.stdout.destroy()
    const { code, stderr } = await running.finished
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
