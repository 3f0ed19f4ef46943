import { describe, expect, it } from 'vitest'
import { toBenchResult } from '../../src/report/bench-result.ts'
import { atMost } from '../../src/report/budget.ts'
import { toJson } from '../../src/report/to-json.ts'

describe('toJson', () => {
  it('writes one array of exactly the promised members', () => {
    const results = [
      toBenchResult({
        id: 'hub',
        what: 'tool call',
        unit: 'us',
        ours: 100,
        peer: 46,
        ratio: 2.2,
        budget: atMost(2.5),
        serverCpu: { ours: 50, peer: 30 },
        notes: ['more'],
      }),
      toBenchResult({ id: 'startup', what: 'start', unit: 's', ours: 0.5, budget: atMost(1) }),
    ]
    expect(JSON.parse(toJson(results))).toEqual([
      { id: 'hub', what: 'tool call', ours: 100, peer: 46, unit: 'us', ratio: 2.2, budget: '<= 2.5', pass: true },
      { id: 'startup', what: 'start', ours: 0.5, peer: null, unit: 's', ratio: 0.5, budget: '<= 1 s', pass: true },
    ])
  })

  it('writes an empty array when nothing could be measured', () => {
    expect(toJson([])).toBe('[]\n')
  })
})
