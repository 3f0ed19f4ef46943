import { describe, expect, it } from 'vitest'
import { Bm25Strategy, TagAndDescriptionWordMatchStrategy } from '../../src/index.ts'
import { labelledQueries, labelledTools, recall } from './labelled/labelled-set.ts'

describe('the labelled set', () => {
  it('has 100 queries that name tools of it', () => {
    const names = new Set(labelledTools().map(({ name }) => name))
    expect(names.size).toBe(labelledTools().length)
    expect(labelledQueries()).toHaveLength(100)
    expect(labelledQueries().flatMap(({ expected }) => expected.filter((name) => !names.has(name)))).toEqual([])
  })

  it('shows how often each strategy has the right tool among its first five', async () => {
    const tag = await recall(new TagAndDescriptionWordMatchStrategy(), 5)
    const bm25 = await recall(new Bm25Strategy(), 5)
    const first = await Promise.all(
      [new TagAndDescriptionWordMatchStrategy(), new Bm25Strategy()].map((each) => recall(each, 1)),
    )
    const [tagFirst, bm25First] = first.map((each) => each.recall.toFixed(2))
    console.log(`recall@5: tag_and_description_word_match ${tag.recall.toFixed(2)}, bm25 ${bm25.recall.toFixed(2)}`)
    console.log(`recall@1: tag_and_description_word_match ${tagFirst}, bm25 ${bm25First}`)
    expect(bm25.recall).toBeGreaterThan(tag.recall)
  })
})
