import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deviations, wrongDeviations } from './deviations.ts'
import type { RoutesHost } from './route-behaviour.ts'
import { routeBehaviours } from './route-behaviours.ts'

/**
 * Runs the contract of ATP's HTTP routes on one host, which is started once.
 * A behaviour among `deviations` is skipped, and its reason stands in its title. A deviation that names no behaviour
 * fails, and so does one that the host does have.
 */
export function describeRoutes(name: string, start: () => Promise<RoutesHost>, deviations: Deviations = {}): void {
  describe(`the routes on ${name}`, () => {
    let host: RoutesHost
    beforeAll(async () => {
      host = await start()
    })
    afterAll(() => host?.close())

    for (const behaviour of routeBehaviours) {
      const title = `${behaviour.id}: ${behaviour.says}`
      const reason = Object.hasOwn(deviations, behaviour.id) ? deviations[behaviour.id] : undefined
      if (reason === undefined) it(title, () => behaviour.run(host))
      else it.skip(`${title} (deviation: ${reason})`, () => {})
    }

    // Long: each deviation may take its whole patience.
    it('deviates only where a behaviour is missing, and says why', async () => {
      expect(await wrongDeviations(host, deviations)).toEqual([])
    }, 120_000)
  })
}
