import { expect, it } from 'vitest'
import type { FaultReport } from '../../src/fault.ts'
import { formatTable } from '../../src/report/format-table.ts'

const report: FaultReport = {
  runs: 50,
  calls: 12_345,
  lost: 0,
  doubled: 0,
  unknown: 7,
  slowestRecoveryMs: 1_234,
  notes: [],
  violations: [],
}

it('shows each fault in a line, what was left out and what could not run included', () => {
  const table = formatTable([
    { name: 'server-killed', durationMs: 1, report },
    { name: 'disk-full', durationMs: 1, leftOut: 'no right to mount' },
    { name: 'clock-set', durationMs: 1, failure: 'Error: boom\n  at somewhere' },
  ])
  expect(table.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
    '| fault | runs | calls | lost | doubled | unknown | slowest recovery | rules |',
    expect.stringMatching(/^\|-+\|-+:\|-+:\|-+:\|-+:\|-+:\|-+:\|-+\|$/),
    '| server-killed | 50 | 12,345 | 0 | 0 | 7 | 1.2 s | kept |',
    '| disk-full | - | - | - | - | - | - | left out |',
    '| clock-set | - | - | - | - | - | - | could not run |',
    '',
    '- `disk-full` was left out: no right to mount.',
    '- `clock-set` could not run: Error: boom',
    '',
  ])
})

it('tells what was seen, each once, and of every rule that was broken how often', () => {
  const violations = [
    { rule: 'ran-once', text: 'a ran twice' },
    { rule: 'answered', text: 'b was lost' },
    { rule: 'ran-once', text: 'c ran twice' },
  ]
  const table = formatTable([{ name: 'x', durationMs: 1, report: { ...report, violations, notes: ['seen', 'seen'] } }])
  expect(table).toContain('BROKEN 3 times')
  expect(table.split('\n').slice(4, -1)).toEqual([
    '- `x`: seen',
    '- `x`: **ran-once** was broken 2 times, such as: a ran twice.',
    '- `x`: **answered** was broken 1 times, such as: b was lost.',
  ])
})

it('has no recovery where none was measured', () => {
  expect(formatTable([{ name: 'x', durationMs: 1, report: { ...report, slowestRecoveryMs: null } }])).toMatch(
    / - \| kept/,
  )
})
