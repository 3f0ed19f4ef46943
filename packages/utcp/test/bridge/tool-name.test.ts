import { Toolkit } from '@atp/core'
import { checkToolName } from '@atp/core/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualBridge } from '../../src/bridge/manual-bridge.ts'
import { toAtpToolName } from '../../src/bridge/tool-name.ts'
import { toolOf } from '../support/fake-protocol.ts'
import { clientOf } from './bridged-toolkit.ts'

describe('the name of a bridged tool', () => {
  it.each([
    ['today', 'today'],
    ['get_weather-2', 'get_weather-2'],
    ['server.tool', 'server--tool'],
    ['a.b.c', 'a--b--c'],
    ['a..-b', 'a-----b'],
  ])('of %s is %s', async (name, expected) => {
    expect(await toAtpToolName(name)).toBe(expected)
  })

  it.each(['a--b', 'a-.b', 'größe', 'with space', 'a/b', '', '💧', 'n'.repeat(65)])(
    'of %j ends in a hash',
    async (name) => {
      expect(await toAtpToolName(name)).toMatch(/^[\w-]{1,51}_[0-9a-f]{12}$/)
    },
  )

  it('is always one that ATP takes, and never that of another tool', async () => {
    const anyName = fc.oneof(
      fc.array(fc.constantFrom('a', '.', '-', '--', '_', 'ü'), { maxLength: 8 }).map((parts) => parts.join('')),
      fc.string({ maxLength: 100 }),
    )
    const seen = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(anyName, async (name) => {
        const given = await toAtpToolName(name)
        checkToolName(given)
        expect(seen.get(given) ?? name).toBe(name)
        seen.set(given, name)
      }),
      { numRuns: 3_000, examples: [['a.b'], ['a--b'], ['a.-b'], ['a-.b']] },
    )
  })

  it('leads back to the name in UTCP', async () => {
    const { client } = await clientOf([toolOf('server.tool'), toolOf('with space'), toolOf('plain')])
    const toolkit = new Toolkit({ appName: 'own' })
    const bridge = await ManualBridge.open(client, 'm', toolkit)
    const back = [...toolkit.registeredTools.keys()].map((name) => bridge.utcpNameOf(name))
    expect(back).toEqual(['m.server.tool', 'm.with space', 'm.plain'])
    expect(bridge.utcpNameOf('unknown')).toBeUndefined()
  })
})
