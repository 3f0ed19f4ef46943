import { describe, expect, it } from 'vitest'
import { Processes } from '../src/children/processes.ts'
import { type Fault, type FaultContext, type FaultReport, LeftOut } from '../src/fault.ts'
import { addUp, allKept, type FaultResult, runFaults } from '../src/run-faults.ts'

const report: FaultReport = {
  runs: 1,
  calls: 10,
  lost: 1,
  doubled: 2,
  unknown: 3,
  slowestRecoveryMs: 100,
  notes: ['note'],
  violations: [],
}
const broken: FaultReport = { ...report, violations: [{ rule: 'r', text: 't' }] }

function context(): { context: FaultContext; lines: string[] } {
  const lines: string[] = []
  const database = { missing: 'not asked for' }
  const progress = (line: string): void => void lines.push(line)
  return { lines, context: { processes: new Processes(), size: 'smoke', database, serverEntry: undefined, progress } }
}

const fault = (name: string, run: () => Promise<FaultReport>): Fault => ({ name, summary: name, run })

describe('runFaults', () => {
  it('goes on after a fault that failed, and after one that was left out', async () => {
    const { context: given, lines } = context()
    const results = await runFaults(
      [
        fault('failing', () => Promise.reject(new Error('boom'))),
        fault('missing', () => Promise.reject(new LeftOut('no disk'))),
        fault('good', async () => report),
      ],
      given,
    )
    expect(results).toMatchObject([
      { name: 'failing', failure: expect.stringContaining('boom') },
      { name: 'missing', leftOut: 'no disk' },
      { name: 'good', report },
    ])
    expect(lines.map((line) => line.split(':')[0])).toEqual(['failing', 'missing', 'good'])
    expect(allKept(results)).toBe(false)
  })
})

describe('allKept', () => {
  it('holds while no rule was broken and nothing failed', () => {
    const good: FaultResult = { name: 'a', durationMs: 1, report }
    expect(allKept([good, { name: 'b', durationMs: 1, leftOut: 'why' }])).toBe(true)
    expect(allKept([good, { name: 'b', durationMs: 1, failure: 'why' }])).toBe(false)
    expect(allKept([good, { name: 'b', durationMs: 1, report: broken }])).toBe(false)
  })
})

describe('addUp', () => {
  const of = (part: object): FaultResult => ({ name: 'a', durationMs: 5, ...part }) as FaultResult

  it('adds what was counted and keeps the slowest recovery and every breach', () => {
    const second = { ...broken, slowestRecoveryMs: 900 }
    const third = { ...report, slowestRecoveryMs: null }
    expect(addUp([[of({ report })], [of({ report: second })], [of({ report: third })]])).toEqual([
      of({
        durationMs: 15,
        report: {
          runs: 3,
          calls: 30,
          lost: 3,
          doubled: 6,
          unknown: 9,
          slowestRecoveryMs: 900,
          notes: ['note', 'note', 'note'],
          violations: broken.violations,
        },
      }),
    ])
  })

  it('does not let a good run hide one that failed, before or after it', () => {
    const failed = of({ failure: 'boom' })
    expect(addUp([[failed], [of({ report })]])).toMatchObject([{ failure: 'boom' }])
    expect(addUp([[of({ report })], [failed]])).toMatchObject([{ failure: 'boom' }])
  })
})
