import { describe, expect, it } from 'vitest'
import { bundleEntry, createContractMounts, type RuleId, routeBehaviours, rules, withoutSocket } from '../src/index.ts'

describe('the contract of the routes', () => {
  it('has at least 80 behaviours', () => {
    expect(routeBehaviours.length).toBeGreaterThanOrEqual(80)
  })

  it('names each behaviour once, by theme and name', () => {
    const ids = routeBehaviours.map(({ id }) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
    expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*$/.test(id))).toEqual([])
  })

  it('says each promise in words of its own', () => {
    const sentences = routeBehaviours.map(({ says }) => says)
    expect(sentences.filter((says, at) => sentences.indexOf(says) !== at)).toEqual([])
  })

  it('shows every rule of the design by at least one behaviour', () => {
    const shown = new Set(routeBehaviours.flatMap((behaviour) => behaviour.rules))
    expect((Object.keys(rules) as RuleId[]).filter((rule) => !shown.has(rule))).toEqual([])
  })

  it('shows every rule without a socket as well', () => {
    const skipped = withoutSocket('no socket')
    const left = routeBehaviours.filter(({ id }) => !Object.hasOwn(skipped, id))
    const shown = new Set(left.flatMap((behaviour) => behaviour.rules))
    expect((Object.keys(rules) as RuleId[]).filter((rule) => !shown.has(rule))).toEqual([])
  })
})

describe('the contract app', () => {
  it('mounts each part under a prefix of its own, one at the root, one behind parsers, two behind a guard', () => {
    const mounts = createContractMounts()
    expect(new Set(mounts.map(({ name }) => name)).size).toBe(mounts.length)
    expect(new Set(mounts.map(({ prefix }) => prefix)).size).toBe(mounts.length)
    expect(mounts.filter(({ prefix }) => prefix !== '' && !/^(\/[a-z]+)+$/.test(prefix))).toEqual([])
    expect(mounts.filter(({ prefix }) => prefix === '')).toHaveLength(1)
    expect(mounts.filter(({ parsedFirst }) => parsedFirst)).toHaveLength(1)
    expect(mounts.filter(({ guarded }) => guarded)).toHaveLength(2)
  })

  it('bundles for a platform without Node', async () => {
    const code = await bundleEntry(new URL('../src/routes/contract-app.ts', import.meta.url))
    expect(code.includes('find_products')).toBe(true)
    expect(/['"]node:/.test(code)).toBe(false)
  })

  it('refuses to bundle what needs Node', async () => {
    await expect(bundleEntry(new URL('../src/routes/raw-client.ts', import.meta.url))).rejects.toThrow('node:net')
  })
})
