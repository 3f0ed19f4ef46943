import { afterEach, describe, expect, it, vi } from 'vitest'
import { type RouteBehaviour, type RoutesHost, routeBehaviours, withoutSocket } from '../src/index.ts'
import { wrongDeviations } from '../src/routes/deviations.ts'

const host: RoutesHost = {
  url: undefined,
  fetch: async () => new Response('nothing', { status: 404 }),
  close: async () => {},
}

function behaviour(id: string, run: RouteBehaviour['run']): RouteBehaviour {
  return { id, says: 'does something', rules: [], run }
}

describe('deviations', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('are wrong when they name no behaviour', async () => {
    expect(await wrongDeviations(host, { 'no.such': 'because' })).toEqual(['no.such: there is no such behaviour'])
  })

  it('are wrong when they give no reason', async () => {
    expect(await wrongDeviations(host, { 'list.toolkits': ' ' })).toEqual(['list.toolkits: no reason is given'])
  })

  it('are wrong when the host has the behaviour after all', async () => {
    const kept = [behaviour('a.kept', async () => {})]
    expect(await wrongDeviations(host, { 'a.kept': 'because' }, kept)).toEqual(['a.kept: the host has it'])
  })

  it('are right when the behaviour fails, or never ends', async () => {
    const failing = behaviour('a.failing', () => Promise.reject(new Error('not so')))
    const endless = behaviour('an.endless', () => new Promise(() => {}))
    const deviations = { 'a.failing': 'because', 'an.endless': 'because' }
    vi.useFakeTimers()
    const wrong = wrongDeviations(host, deviations, [failing, endless])
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await wrong).toEqual([])
  })

  it('of a host without a socket are exactly those that need one', async () => {
    const socket = routeBehaviours.filter((each) => each.socket).map(({ id }) => id)
    expect(Object.keys(withoutSocket('because'))).toEqual(socket)
    expect(await wrongDeviations(host, withoutSocket('because'))).toEqual([])
  })

  it('would be needed for every behaviour on a host that has none of it', async () => {
    const tried = routeBehaviours.filter((each) => !each.socket)
    const kept = await Promise.all(
      tried.map(async ({ id }) => (await wrongDeviations(host, { [id]: 'because' })).length > 0 && id),
    )
    expect(kept.filter(Boolean)).toEqual([])
  })
})
