import { describe, expect, it } from 'vitest'
import type { BenchRow } from '../src/bench-row.ts'
import { readOptions } from '../src/options.ts'

const rows: BenchRow[] = ['hub', 'startup', 'idle'].map((id) => ({
  id,
  summary: `what ${id} does`,
  run: async () => [],
}))

function read(...args: string[]) {
  let out = ''
  let err = ''
  const options = readOptions(args, rows, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { options, out, err }
}

describe('readOptions', () => {
  it('measures everything, three seconds and three times, when nothing is said', () => {
    expect(read().options).toEqual({ rows, seconds: 3, runs: 3, json: undefined, check: false })
  })

  it('takes rows in the order of the table, whatever order they are named in', () => {
    const { options } = read('--only', 'idle, hub', '--seconds', '0.5', '--runs', '1', '--json', 'x.json', '--check')
    expect(options).toEqual({ rows: [rows[0], rows[2]], seconds: 0.5, runs: 1, json: 'x.json', check: true })
  })

  it('names the rows when one is unknown', () => {
    const { options, err } = read('--only', 'hub,hubs')
    expect(options).toEqual({ exitCode: 2 })
    expect(err).toContain('There is no row "hubs"; use hub, startup, idle.')
  })

  it.each([
    ['--seconds', '0'],
    ['--seconds', 'long'],
    ['--seconds', ''],
    ['--runs', '1.5'],
    ['--runs', '0'],
    ['--only', ''],
    ['--only'],
    ['--fast'],
    ['hub'],
  ])('refuses %j %j', (...args) => {
    const { options, err } = read(...args)
    expect(options).toEqual({ exitCode: 2 })
    expect(err).toContain('error:')
  })

  it('shows every row and an example in the help', () => {
    const { options, out } = read('--help')
    expect(options).toEqual({ exitCode: 0 })
    expect(out).toContain('startup  what startup does')
    expect(out).toContain('npm run bench -- --only hub')
  })
})
