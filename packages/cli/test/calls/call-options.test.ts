import { describe, expect, it } from 'vitest'
import { readSince } from '../../src/calls/call-options.ts'

const now = Date.UTC(2026, 7, 1, 12)

describe('readSince', () => {
  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ])('reads %s as so long ago', (text, ms) => {
    expect(readSince(text, now)).toBe(now - ms)
  })

  it.each([
    ['2026-08-01T10:00:00Z', Date.UTC(2026, 7, 1, 10)],
    ['2026-08-01T10:00:00.250+02:00', Date.UTC(2026, 7, 1, 8, 0, 0, 250)],
    ['2026-08-01T10:00', new Date(2026, 7, 1, 10).getTime()],
    ['2026-08-01 10:00', new Date(2026, 7, 1, 10).getTime()],
    ['2026-08-01', new Date(2026, 7, 1).getTime()],
  ])('reads %s as a time, local unless it says otherwise', (text, time) => {
    expect(readSince(text, now)).toBe(time)
  })

  it('never goes back beyond 1970', () => {
    expect(readSince('999999d', now)).toBe(0)
  })

  it.each(['', '10', '10 m', '-5m', 'yesterday', '1', '2026', '2026-13-01', '2026-08-01T25:00', 'Aug 1 2026'])(
    'refuses "%s"',
    (text) => {
      expect(() => readSince(text, now)).toThrow('Give how long ago')
    },
  )
})
