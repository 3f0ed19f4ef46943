import { silentLogger } from '@atp/core'
import { expect, it } from 'vitest'
import { LegacyRegistrations } from '../../../src/compat/legacy-registrations.ts'
import type { LegacyRegistration } from '../../../src/store/legacy-store.ts'
import type { StoredKey } from '../../../src/store/store.ts'
import { makeCall } from '../../support/make-call.ts'
import { registration } from './legacy-peers.ts'

it('of a key that does not wait for answers are refused above 33, and no hash stands for what they leave out', async () => {
  const stored: LegacyRegistration[] = []
  const gate = Promise.withResolvers<void>()
  const { toolkit } = makeCall().call
  const registrations = new LegacyRegistrations({
    store: {
      toolkits: { find: async () => toolkit },
      legacy: {
        register: async (_project: string, _toolkit: string, each: LegacyRegistration) => {
          await gate.promise
          stored.push(each)
          return toolkit
        },
      },
    } as never,
    bus: { publish: async () => {} } as never,
    processes: { registered: () => {} } as never,
    logger: silentLogger,
  })
  const key: StoredKey = { ...makeCall().call.key, kind: 'toolkit', toolkitId: toolkit.id }
  const register = (name: string): Promise<string> =>
    registrations.register(key, registration('', toolkit.appName, name))
  const taken = Array.from({ length: 33 }, (_, at) => register(`tool_${at}`))
  await expect(register('left_out')).rejects.toMatchObject({ code: 'rate_limited' })
  gate.resolve()
  await Promise.all(taken)
  // The first one was at work before; those after it know that one is missing.
  expect(stored.slice(1).map(({ toolkitHash }) => toolkitHash)).toEqual(Array(32).fill(null))
  await register('left_out')
  expect(stored.at(-1)?.toolkitHash).toBe('toolkit with left_out')
})
