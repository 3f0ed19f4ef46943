import { describe, expect, it, vi } from 'vitest'
import { Bm25Strategy, InMemToolRepository, type Tool } from '../../src/index.ts'
import { type DocumentIndex, SearchIndex } from '../../src/search/search-index.ts'
import { corpusQueries, corpusTools, named, seededRandom } from '../support/tool-corpus.ts'

async function save(repository: InMemToolRepository, name: string, tools: readonly Tool[]): Promise<void> {
  const manual = { utcp_version: '1.0.1', manual_version: '1.0.0', tools }
  await repository.saveManual({ name, call_template_type: 'http' }, manual)
}

function corpus(count: number, manual: string, seed = 1): Tool[] {
  return corpusTools(count, seed).map((tool) => named(tool, manual))
}

/** Counts what is asked of an index. */
function countingIndex(): {
  make: () => DocumentIndex
  made: () => number
  added: () => number
  removed: () => number
} {
  const make = vi.fn(() => index)
  const index = { add: vi.fn(), remove: vi.fn() }
  return {
    make,
    made: () => make.mock.calls.length,
    added: () => index.add.mock.calls.length,
    removed: () => index.remove.mock.calls.length,
  }
}

describe('an index of a repository', () => {
  it('reads only what changed', async () => {
    const repository = new InMemToolRepository()
    for (let count = 0; count < 5; count += 1) await save(repository, `m${count}`, corpus(20, `m${count}`))
    const { make, made, added, removed } = countingIndex()
    const search = new SearchIndex(make)
    await search.sync(repository)
    expect([made(), added(), removed()]).toEqual([2, 100, 0])
    await search.sync(repository)
    await save(repository, 'm1', corpus(3, 'm1'))
    await repository.removeTool('m2.nothing')
    const [first] = (await repository.getToolsByManual('m3')) ?? []
    await repository.removeTool(first?.name ?? '')
    await search.sync(repository)
    expect([made(), added(), removed()]).toEqual([2, 103, 21])
  })

  it('is made anew when it has more holes than tools, and is one for searches at the same time', async () => {
    const repository = new InMemToolRepository()
    const { make, made } = countingIndex()
    const search = new SearchIndex(make)
    await search.sync(repository)
    const before = made()
    for (let round = 0; round < 12; round += 1) {
      await save(repository, 'm', corpus(200, 'm', round))
      await Promise.all([search.sync(repository), search.sync(repository)])
    }
    expect(made()).toBe(before + 1)
    const indexed = await search.sync(repository)
    expect(indexed.size).toBe(200)
    expect(indexed.end).toBeLessThan(1_500)
  })

  it('stays as it was when the repository fails half way, and is right the next time', async () => {
    const repository = new InMemToolRepository()
    await save(repository, 'a', corpus(5, 'a'))
    const search = new SearchIndex(countingIndex().make)
    await search.sync(repository)
    await save(repository, 'b', corpus(5, 'b'))
    vi.spyOn(repository, 'getToolsByManual').mockRejectedValueOnce(new Error('disk'))
    await expect(search.sync(repository)).rejects.toThrow('disk')
    const indexed = await search.sync(repository)
    expect(indexed.size).toBe(10)
  })
})

describe('bm25', () => {
  it('ranks the same on an index that grew and shrank as on one made anew', async () => {
    const repository = new InMemToolRepository()
    const grown = new Bm25Strategy()
    const random = seededRandom(3)
    for (const [step, query] of corpusQueries(40, 4).entries()) {
      const manual = `m${Math.floor(random() * 5)}`
      if (random() < 0.7) await save(repository, manual, corpus(30 + Math.floor(random() * 50), manual, step))
      else await repository.removeManual(manual)
      const found = await grown.searchTools(repository, query, 20)
      const fresh = await new Bm25Strategy().searchTools(repository, query, 20)
      expect(
        found.map(({ name }) => name),
        `step ${step}`,
      ).toEqual(fresh.map(({ name }) => name))
    }
  })

  it('finds by parts of names, by parameters and by other forms of a word', async () => {
    const tool = (name: string, description: string, parameter: string): Tool => ({
      ...{ name, description, tags: [], outputs: {}, tool_call_template: { call_template_type: 'http' } },
      inputs: { type: 'object', properties: { [parameter]: {} } },
    })
    const repository = new InMemToolRepository()
    await save(repository, 'm', [
      tool('m.mergePullRequest', 'Uses a method', 'owner'),
      tool('m.ship_orders', 'Marks something as shipped', 'trackingNumber'),
      tool('m.other', 'Does nothing', 'x'),
    ])
    const best = async (query: string) => (await new Bm25Strategy().searchTools(repository, query, 1))[0]?.name
    expect(await best('pull requests')).toBe('m.mergePullRequest')
    expect(await best('tracking')).toBe('m.ship_orders')
    expect(await best('shipping an order')).toBe('m.ship_orders')
    expect(await best('unrelated')).toBeUndefined()
  })

  it('can be chosen and tuned by a configuration, which is checked', async () => {
    const { UtcpClient } = await import('../../src/index.ts')
    const strategy = { tool_search_strategy_type: 'bm25', k1: 1, b: 0.5, name_weight: 3 }
    await (await UtcpClient.create({ tool_search_strategy: strategy })).close()
    const wrong = UtcpClient.create({ tool_search_strategy: { ...strategy, b: 2 } })
    await expect(wrong).rejects.toMatchObject({ path: 'tool_search_strategy.b' })
    const negative = { tool_search_strategy_type: 'tag_and_description_word_match', tag_weight: -1 }
    await expect(UtcpClient.create({ tool_search_strategy: negative })).rejects.toMatchObject({
      path: 'tool_search_strategy.tag_weight',
    })
  })
})
