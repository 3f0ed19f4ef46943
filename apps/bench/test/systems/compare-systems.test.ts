import { afterAll, describe, expect, it } from 'vitest'
import type { RowContext } from '../../src/bench-row.ts'
import { Children } from '../../src/children/children.ts'
import { compareSystems } from '../../src/systems/compare-systems.ts'
import type { LoadSystem } from '../../src/systems/load-system.ts'
import { mcpSystem } from '../../src/systems/mcp-system.ts'
import { relaySystem } from '../../src/systems/relay-system.ts'

const children = new Children()
afterAll(() => children.stopAll())

function contextOf(lines: string[]): RowContext {
  return { seconds: 0.2, runs: 2, children, progress: (line) => void lines.push(line) }
}

const peers: LoadSystem[] = [relaySystem, mcpSystem('stateless')]

describe('compareSystems', () => {
  it('measures systems through their real processes, in turn, once in each run', { timeout: 120_000 }, async () => {
    const lines: string[] = []
    const comparison = await compareSystems(contextOf(lines), peers, [1, 8])
    for (const system of peers) {
      for (const concurrency of [1, 8]) {
        const samples = comparison.samples(system, concurrency)
        expect(samples).toHaveLength(2)
        for (const sample of samples) {
          expect(sample.calls).toBeGreaterThan(0)
          expect(sample.serverCpuUs).toBeGreaterThan(0)
          expect(sample.p99Us).toBeGreaterThanOrEqual(sample.p50Us)
        }
      }
    }
    const names = peers.map((system) => system.name)
    expect(lines.map((line) => /c=\d+ (.*):/.exec(line)?.[1])).toEqual([...names, ...names, ...names, ...names])
  })

  it('fails when a process of a system cannot start', async () => {
    const broken: LoadSystem = {
      name: 'broken',
      start: async () => {
        throw new Error('no such system')
      },
    }
    await expect(compareSystems(contextOf([]), [relaySystem, broken], [1])).rejects.toThrow('no such system')
  })
})
