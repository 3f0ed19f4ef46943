import { describe, expect, it } from 'vitest'
import { type FaultProcess, Processes } from '../src/children/processes.ts'
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

const fault = (name: string, run: Fault['run']): Fault => ({ name, summary: name, run })

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

  it('runs two at a time, and last and alone what measures times', async () => {
    const running = new Set<string>()
    const seen: string[][] = []
    const watched = (name: string, alone = false): Fault => ({
      ...fault(name, async () => {
        running.add(name)
        await new Promise((resolve) => setImmediate(resolve))
        seen.push([...running].sort())
        await new Promise((resolve) => setImmediate(resolve))
        running.delete(name)
        return report
      }),
      alone,
    })
    const names = ['measures', 'a', 'b', 'c']
    const results = await runFaults([watched('measures', true), ...['a', 'b', 'c'].map((name) => watched(name))], {
      ...context().context,
    })
    expect(results.map(({ name }) => name)).toEqual(names)
    expect(seen[0]).toEqual(['a', 'b'])
    expect(seen.at(-1)).toEqual(['measures'])
    expect(Math.max(...seen.map(({ length }) => length))).toBe(2)
  })

  it('leaves no process behind, and ends none of another fault', async () => {
    const { context: given } = context()
    const plan = { name: 'x', ledgers: '', baseUrl: '', apiKey: '', toolkits: [] }
    const start = (processes: Processes) => processes.start({ script: 'legacy-crowd', name: 'x', plan })
    const left = Promise.withResolvers<FaultProcess>()
    const ended = Promise.withResolvers<void>()
    const results = runFaults(
      [
        fault('leaves one', async ({ processes }) => {
          left.resolve(await start(processes))
          return report
        }),
        fault('has its own', async ({ processes }) => {
          const child = await start(processes)
          await (await left.promise).exited
          await expect(child.ask('counts')).resolves.toEqual({ attempts: 0, greetings: 0 })
          ended.resolve()
          return report
        }),
      ],
      given,
    )
    await ended.promise
    await expect(results).resolves.toMatchObject([{ report }, { report }])
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
