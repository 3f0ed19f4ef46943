import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { Children } from '../../src/children/children.ts'
import { row } from '../../src/rows/startup.ts'

const children = new Children()
afterEach(() => children.stopAll())

describe('the startup row', () => {
  it('builds the CLI and waits until its server is ready', { timeout: 180_000 }, async () => {
    const [result] = await row.run({ seconds: 0.2, runs: 1, children, progress: () => {} })
    expect(result).toMatchObject({ id: 'startup', unit: 's', peer: null, budget: '<= 1 s', ratio: result?.ours })
    expect(result?.ours).toBeGreaterThan(0)
  })

  it('shows what a CLI printed that did not start a server', async () => {
    const launcher = await children.start('cli-launcher')
    const cli = fileURLToPath(new URL('../fixtures/broken-cli.js', import.meta.url))
    await expect(launcher.ask('launch', { cli })).rejects.toThrow(/The CLI ended with code 3; it printed: no luck/)
  })
})
