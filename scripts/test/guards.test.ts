import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { guards } from '../guards/guards.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('The list of guarded lines', () => {
  it.each(guards)('names a line and a test that are there: $rule $does', ({ file, line, without, test }) => {
    expect(readFileSync(join(root, file), 'utf8').split(line)).toHaveLength(2)
    expect(without).not.toBe(line)
    expect(() => readFileSync(join(root, test), 'utf8')).not.toThrow()
  })

  it('has each guard once', () => {
    expect(new Set(guards.map(({ file, line }) => file + line)).size).toBe(guards.length)
  })
})
