import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LedgerEntry, NewEntry } from '../../src/ledger/ledger-entry.ts'
import { judge } from '../../src/oracle/judge.ts'

/** One call as an honest server, toolkit and caller write it down. */
const honestCall = fc.record({
  tool: fc.constantFrom('work', 'work_again', 'fail'),
  key: fc.boolean(),
  detached: fc.boolean(),
  /** How often the connection is lost before the answer; only a call with a key is sent again. */
  losses: fc.integer({ min: 0, max: 3 }),
  /** How often its caller asks again after the answer. */
  asks: fc.integer({ min: 0, max: 2 }),
})

type HonestCall = typeof honestCall extends fc.Arbitrary<infer Call> ? Call : never

function write(ref: string, { tool, key, detached, losses, asks }: HonestCall): NewEntry[] {
  const [callId, run, ok] = [`c-${ref}`, `r-${ref}`, tool !== 'fail']
  const sent = (attempt: number): NewEntry => {
    return { event: 'sent', ref, attempt, tool, idempotent: tool === 'work_again', key }
  }
  const answer = (attempt: number): NewEntry => {
    const end = ok ? ({ status: 'succeeded', run } as const) : ({ status: 'failed', code: 'tool_error' } as const)
    return { event: 'outcome', ref, attempt, ...end }
  }
  const attempts = key ? losses : 0
  const lost = Array.from({ length: attempts }, (_, index): NewEntry[] => {
    return [sent(index + 1), { event: 'outcome', ref, attempt: index + 1, status: 'lost_connection' }]
  })
  const last = attempts + 1
  const more = Array.from({ length: key ? asks : 0 }, (_, index) => [sent(last + 1 + index), answer(last + 1 + index)])
  const status = ok ? 'succeeded' : 'failed'
  return [
    ...lost.flat(),
    sent(last),
    ...(detached ? [{ event: 'accepted', ref, attempt: last, callId } as const] : []),
    { event: 'started', ref, callId, run },
    { event: 'finished', ref, callId, run, ok },
    answer(last),
    ...more.flat(),
    { event: 'logged', callId, status, code: null },
    ...(detached ? [{ event: 'stored', callId, status } as const] : []),
  ]
}

/** Weaves the entries of calls into one another, as they come when calls run at once; each call keeps its order. */
function weave(calls: HonestCall[], turns: number[]): LedgerEntry[] {
  const rest = calls.map((call, index) => write(`w${index}`, call))
  const woven: NewEntry[] = [{ event: 'fault', what: 'cut', until: 1e9, excuses: ['lost_connection'] }]
  for (let turn = 0; rest.some((each) => each.length > 0); turn += 1) {
    const left = rest.filter((each) => each.length > 0)
    const next = left[(turns[turn % turns.length] ?? 0) % left.length]?.shift()
    if (next !== undefined) woven.push(next)
  }
  return woven.map((entry, at) => ({ ...entry, at, by: 'someone' }))
}

const ledgers = fc
  .tuple(fc.array(honestCall, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(100), { minLength: 1, maxLength: 30 }))
  .map(([calls, turns]) => weave(calls, turns))

it('finds nothing wrong where everybody is honest, however the calls run into one another', () => {
  fc.assert(
    fc.property(ledgers, (entries) => {
      expect(judge(entries).violations).toEqual([])
    }),
  )
})

it('finds each answer, run and stored outcome that is taken away', () => {
  fc.assert(
    fc.property(ledgers, fc.nat(), (entries, pick) => {
      const needed = entries.filter(({ event }) => event === 'outcome' || event === 'finished' || event === 'stored')
      const gone = needed[pick % needed.length]
      expect(judge(entries.filter((entry) => entry !== gone)).violations).not.toEqual([])
    }),
  )
})

it('finds each answer and run of a tool that may not run twice that comes twice', () => {
  fc.assert(
    fc.property(ledgers, fc.nat(), (entries, pick) => {
      const works = new Set(
        entries.flatMap((entry) => (entry.event === 'sent' && !entry.idempotent ? [entry.ref] : [])),
      )
      const single = entries.filter((entry) => {
        return entry.event === 'outcome' || (entry.event === 'started' && works.has(entry.ref))
      })
      const twice = single[pick % single.length] as LedgerEntry
      expect(judge([...entries, { ...twice, at: entries.length }]).violations).not.toEqual([])
    }),
  )
})
