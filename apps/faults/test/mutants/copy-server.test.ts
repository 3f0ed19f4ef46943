import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { faults } from '../../src/faults.ts'
import { copyServer } from '../../src/mutants/copy-server.ts'
import { mutants } from '../../src/mutants/mutants.ts'
import { rules } from '../../src/oracle/rules.ts'

describe('copyServer', () => {
  it('changes a copy, which goes when it is no longer needed', () => {
    let folder = ''
    {
      using copy = copyServer([{ file: 'index.ts', from: 'Every line is public API', to: 'Changed' }])
      folder = dirname(copy.entry)
      expect(readFileSync(copy.entry, 'utf8')).toContain('Changed')
      expect(existsSync(join(folder, '..', 'node_modules', 'fastify'))).toBe(true)
    }
    expect(existsSync(folder)).toBe(false)
  })

  it('refuses a change of what is not there, or there twice', () => {
    const change = (from: string) => () => copyServer([{ file: 'index.ts', from, to: '' }])
    expect(change('nothing like this')).toThrow('holds 0 times')
    expect(change('export')).toThrow(/holds \d+ times, and not once/)
  })
})

describe.each(mutants)('the mutant $name', ({ rule, fault, changes }) => {
  it('changes what is there, for a rule and under a fault that are', () => {
    copyServer(changes)[Symbol.dispose]()
    expect(rules.map(({ name }) => name)).toContain(rule)
    expect(faults.map(({ name }) => name)).toContain(fault)
  })
})
