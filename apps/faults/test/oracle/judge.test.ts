import { describe, expect, it } from 'vitest'
import type { Excuse, LedgerEntry, NewEntry, Status } from '../../src/ledger/ledger-entry.ts'
import { judge } from '../../src/oracle/judge.ts'
import { rules } from '../../src/oracle/rules.ts'

/** Entries at one millisecond after the other. */
function ledger(...entries: (NewEntry & { by?: string })[]): LedgerEntry[] {
  return entries.map((entry, index) => ({ by: 'someone', ...entry, at: index + 1 }) as LedgerEntry)
}

const sent = (more: Partial<Extract<NewEntry, { event: 'sent' }>> = {}) =>
  ({ event: 'sent', ref: 'w', attempt: 1, tool: 'work', idempotent: false, key: false, ...more }) as const
const accepted = { event: 'accepted', ref: 'w', attempt: 1, callId: 'c' } as const
const started = (run = 'r', callId = 'c') => ({ event: 'started', ref: 'w', callId, run }) as const
const finished = (run = 'r', ok = true) => ({ event: 'finished', ref: 'w', callId: 'c', run, ok }) as const
const outcome = (status: Status, more: { attempt?: number; run?: string; code?: string } = {}) =>
  ({ event: 'outcome', ref: 'w', attempt: 1, status, ...more }) as const
const succeeded = outcome('succeeded', { run: 'r' })
const logged = (status: string) => ({ event: 'logged', callId: 'c', status, code: null }) as const
const stored = (status?: Status) => ({ event: 'stored', callId: 'c', ...(status && { status }) }) as const
const fault = (excuses: Excuse[], more: { at?: number; until?: number; who?: string; recoverFrom?: number } = {}) =>
  ({ event: 'fault', what: 'kill', until: 100, excuses, ...more }) as const

const broken = (...entries: Parameters<typeof ledger>): string[] =>
  judge(ledger(...entries)).violations.map(({ rule }) => rule)

describe('a ledger in which all is well', () => {
  it.each([
    ['a call that succeeded', [sent(), started(), finished(), succeeded, logged('succeeded')]],
    [
      'a tool that failed as it was asked to',
      [
        sent({ tool: 'fail' }),
        started(),
        finished('r', false),
        outcome('failed', { code: 'tool_error' }),
        logged('failed'),
      ],
    ],
    ['an idempotent tool that ran twice', [sent({ idempotent: true }), started('q'), started(), finished(), succeeded]],
    ['a detached call', [sent(), accepted, started(), finished(), succeeded, stored('succeeded')]],
    [
      'a call that was sent again under its key',
      [
        fault(['lost_connection']),
        sent({ key: true }),
        started(),
        outcome('lost_connection'),
        finished(),
        sent({ key: true, attempt: 2 }),
        outcome('in_progress', { attempt: 2 }),
        sent({ key: true, attempt: 3 }),
        outcome('succeeded', { attempt: 3, run: 'r' }),
      ],
    ],
    [
      'a call under a key that was refused, and ran when it was sent again',
      [
        sent({ key: true }),
        outcome('not_run'),
        sent({ key: true, attempt: 2 }),
        started(),
        finished(),
        outcome('succeeded', { attempt: 2, run: 'r' }),
      ],
    ],
    [
      'a call that was asked for again while the server was away',
      [
        sent({ key: true }),
        started(),
        finished(),
        succeeded,
        sent({ key: true, attempt: 2 }),
        outcome('not_run', { attempt: 2, code: 'connection_failed' }),
      ],
    ],
    ['a call whose toolkit was killed', [sent(), started(), fault(['outcome_unknown']), outcome('outcome_unknown')]],
    ['a call whose caller was killed', [sent(), fault(['no_answer'], { who: 'someone' }), started(), finished()]],
  ])('breaks no rule: %s', (_, entries) => {
    expect(judge(ledger(...entries)).violations).toEqual([])
  })

  it('is counted', () => {
    const entries = ledger(sent(), started(), finished(), succeeded)
    expect(judge(entries)).toMatchObject({ calls: 1, succeeded: 1, lost: 0, doubled: 0, unknown: 0 })
  })

  it('counts what nobody can know', () => {
    const unknown = (status: Status) => judge(ledger(fault([status]), sent(), outcome(status))).unknown
    expect([unknown('outcome_unknown'), unknown('lost_connection'), unknown('timed_out')]).toEqual([1, 1, 0])
  })
})

/** For each rule, ledgers that break it and no other. */
const breaches: Record<string, [string, Parameters<typeof ledger>][]> = {
  answered: [
    ['a call that was sent and never answered', [sent(), started(), finished()]],
    [
      'one of two attempts that was never answered',
      [fault(['lost_connection']), sent({ key: true }), outcome('lost_connection'), sent({ key: true, attempt: 2 })],
    ],
    ['an accepted call that the server has forgotten', [fault(['no_answer']), sent(), accepted]],
    ['an accepted call that has no outcome', [fault(['no_answer']), sent(), accepted, stored()]],
    [
      'a call without an answer beside another caller that was killed',
      [{ ...sent(), by: 'a' }, fault(['no_answer'], { who: 'b' })],
    ],
  ],
  'answered-once': [
    ['two answers to one call', [sent(), started(), finished(), succeeded, succeeded]],
    ['two rows in the log', [sent(), started(), finished(), succeeded, logged('succeeded'), logged('succeeded')]],
  ],
  'ran-once': [
    ['a tool that ran twice in one call', [sent(), started('q'), started(), finished(), succeeded]],
    [
      'a tool that ran twice under one key, as two calls',
      [sent({ key: true }), started('q', 'b'), started(), finished(), succeeded],
    ],
  ],
  'success-ran': [
    ['success without a run', [sent(), outcome('succeeded', { run: 'r' })]],
    ['the result of another run', [sent(), started(), finished(), outcome('succeeded', { run: 'other' })]],
    ['success of a run that has not ended', [sent(), started(), succeeded]],
    [
      'an error that no run threw',
      [sent({ tool: 'fail' }), started(), finished(), outcome('failed', { code: 'tool_error' })],
    ],
  ],
  'not-run': [
    [
      'a refused call that ran',
      [fault(['not_run']), sent(), started(), finished(), outcome('not_run', { code: 'busy' })],
    ],
    [
      'a call that ran and of which the log denies it, although its caller got an answer when it asked again',
      [
        fault(['not_run']),
        sent({ key: true, idempotent: true }),
        started(),
        logged('not_run'),
        outcome('not_run', { code: 'connection_failed' }),
        sent({ key: true, idempotent: true, attempt: 2 }),
        started('r2', 'c2'),
        finished('r2'),
        outcome('succeeded', { attempt: 2, run: 'r2' }),
      ],
    ],
  ],
  explained: [
    ['an unknown outcome on a good day', [sent(), started(), outcome('outcome_unknown')]],
    ['an unknown outcome where only refusals are explained', [fault(['not_run']), sent(), outcome('outcome_unknown')]],
    ['a fault that came after the end', [sent(), outcome('timed_out'), fault(['timed_out'])]],
    ['a fault that was over before', [fault(['timed_out'], { until: 1 }), sent(), outcome('timed_out')]],
    ['an answer that got lost on its way to the caller', [sent(), started(), finished(), outcome('timed_out')]],
    ['another error than the tool threw', [sent({ tool: 'fail' }), outcome('failed', { code: 'internal_error' })]],
    ['a tool that fails and is said to have succeeded', [sent({ tool: 'fail' }), started(), finished(), succeeded]],
  ],
  'same-answer': [
    [
      'another answer to the same key',
      [
        sent({ key: true, idempotent: true }),
        started('q', 'b'),
        finished('q'),
        outcome('succeeded', { run: 'q' }),
        sent({ key: true, idempotent: true, attempt: 2 }),
        started(),
        finished(),
        outcome('succeeded', { attempt: 2, run: 'r' }),
      ],
    ],
    [
      'a key that is said to have done nothing after it was answered',
      [
        sent({ key: true }),
        started(),
        finished(),
        succeeded,
        sent({ key: true, attempt: 2 }),
        outcome('not_run', { attempt: 2, code: 'toolkit_offline' }),
      ],
    ],
  ],
  'log-agrees': [
    ['another outcome in the log', [sent(), started(), finished(), succeeded, logged('timed_out')]],
    ['another outcome stored', [sent(), accepted, started(), finished(), succeeded, stored('outcome_unknown')]],
  ],
}

describe.each(rules.map(({ name, demands }) => ({ name, demands })))('the rule $name: $demands', ({ name }) => {
  it.each(breaches[name] ?? [])('finds %s', (_, entries) => {
    expect(broken(...entries)).toEqual([name])
  })

  it('has ledgers that break it', () => {
    expect(breaches[name]?.length).toBeGreaterThan(0)
  })
})

describe('judge', () => {
  it('finds a run that nobody asked for', () => {
    expect(broken(started(), finished())).toContain('sent')
  })

  it('counts lost and doubled calls', () => {
    expect(judge(ledger(sent(), started('q'), started())).lost).toBe(1)
    expect(judge(ledger(sent(), started('q'), started())).doubled).toBe(1)
  })

  it('measures the slowest recovery, by calls that were sent after the fault', () => {
    const entries: LedgerEntry[] = [
      { ...sent(), at: 0, by: 'a' },
      { ...fault(['not_run'], { recoverFrom: 10 }), at: 10, by: 'harness' },
      { ...started(), at: 11, by: 't' },
      { ...finished(), at: 12, by: 't' },
      // Sent before the fault: says nothing of what came after it.
      { ...succeeded, at: 13, by: 'a' },
      { ...sent(), ref: 'x', at: 20, by: 'a' },
      { ...started('s', 'd'), ref: 'x', at: 21, by: 't' },
      { ...finished('s'), ref: 'x', callId: 'd', at: 22, by: 't' },
      { ...outcome('succeeded', { run: 's' }), ref: 'x', at: 40, by: 'a' },
    ]
    expect(judge(entries)).toMatchObject({ slowestRecoveryMs: 30, violations: [] })
  })

  it('finds a fault after which nothing worked any more', () => {
    expect(broken(sent(), started(), finished(), succeeded, fault([], { recoverFrom: 50 }))).toEqual(['recovered'])
  })
})
