import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InMemToolRepository, TagAndDescriptionWordMatchStrategy, type Tool } from '../../src/index.ts'
import { corpusQueries, corpusTools, named, seededRandom } from '../support/tool-corpus.ts'

/** The published rule, word for word, over all tools one by one. */
function plainScan(
  tools: readonly Tool[],
  query: string,
  limit: number,
  tags: readonly string[] = [],
  { descriptionWeight = 1, tagWeight = 3 } = {},
): string[] {
  const lowerCase = query.toLowerCase()
  const words = (text: string): Set<string> => new Set(text.match(/[\p{L}\p{N}_]+/gu))
  const queryWords = words(lowerCase)
  const required = tags.map((tag) => tag.toLowerCase())
  const scored = tools
    .filter((tool) => required.length === 0 || tool.tags.some((tag) => required.includes(tag.toLowerCase())))
    .map((tool) => {
      let score = 0
      for (const tag of tool.tags) {
        const tagLowerCase = tag.toLowerCase()
        if (lowerCase.includes(tagLowerCase)) score += tagWeight
        else if ([...words(tagLowerCase)].some((word) => queryWords.has(word))) score += tagWeight
      }
      for (const word of words(tool.description.toLowerCase())) {
        if ([...word].length > 2 && queryWords.has(word)) score += descriptionWeight
      }
      return { name: tool.name, score }
    })
  scored.sort((a, b) => b.score - a.score)
  const names = scored.map(({ name }) => name)
  return limit === 0 ? names : names.slice(0, limit)
}

async function repositoryOf(manuals: Readonly<Record<string, readonly Tool[]>>): Promise<InMemToolRepository> {
  const repository = new InMemToolRepository()
  for (const [name, tools] of Object.entries(manuals)) await save(repository, name, tools)
  return repository
}

async function save(repository: InMemToolRepository, name: string, tools: readonly Tool[]): Promise<void> {
  await repository.saveManual(
    { name, call_template_type: 'http' },
    { utcp_version: '1.0.1', manual_version: '1.0.0', tools },
  )
}

function corpus(count: number, manual: string, seed?: number): Tool[] {
  return corpusTools(count, seed).map((tool) => named(tool, manual))
}

const names = (tools: readonly Tool[]): string[] => tools.map(({ name }) => name)

describe('tag_and_description_word_match', () => {
  it('ranks 5,000 tools exactly as a plain scan by the published rule', async () => {
    const tools = { a: corpus(3_000, 'a', 5), b: corpus(2_000, 'b', 6) }
    const repository = await repositoryOf(tools)
    const all = [...tools.a, ...tools.b]
    const strategy = new TagAndDescriptionWordMatchStrategy()
    const random = seededRandom(9)
    for (const [index, query] of corpusQueries(300, 7).entries()) {
      const limit = [1, 3, 10, 50, 0][index % 5] ?? 0
      const tags = index % 4 === 3 ? ['BILLING', 'crm', 'no such tag'].slice(Math.floor(random() * 3)) : []
      const found = await strategy.searchTools(repository, query, limit, tags)
      expect(names(found), query).toEqual(plainScan(all, query, limit, tags))
    }
  })

  it('ranks as the rule says whatever tags, descriptions, queries and weights are', async () => {
    const word = fc.constantFrom('a', 'be', 'cat', 'cats', 'the', 'ÄÖ', 'straße', '天気', 'snake_case', 'x1', '')
    const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '))
    const any = fc.oneof(text, fc.string({ unit: 'binary', maxLength: 12 }))
    const weight = fc.constantFrom(0, 0.1, 0.3, 1, 3)
    const tool = fc.record({ description: any, tags: fc.array(any, { maxLength: 4 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(tool, { maxLength: 25 }),
        any,
        fc.nat({ max: 30 }),
        fc.array(any, { maxLength: 2 }),
        fc.record({ descriptionWeight: weight, tagWeight: weight }),
        async (parts, query, limit, tags, weights) => {
          const tools = parts.map((part, index) => ({ ...corpus(1, 'm')[0], ...part, name: `m.${index}` }) as Tool)
          const repository = await repositoryOf({ m: tools })
          const strategy = new TagAndDescriptionWordMatchStrategy({
            description_weight: weights.descriptionWeight,
            tag_weight: weights.tagWeight,
          })
          const found = await strategy.searchTools(repository, query, limit, tags)
          expect(names(found)).toEqual(plainScan(tools, query, limit, tags, weights))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('follows the repository step by step: an index that grew is the same as one made anew', async () => {
    const repository = new InMemToolRepository()
    const strategy = new TagAndDescriptionWordMatchStrategy()
    const random = seededRandom(11)
    const queries = corpusQueries(120, 12)
    for (const [step, query] of queries.entries()) {
      const manual = `m${Math.floor(random() * 6)}`
      const action = random()
      if (action < 0.55) await save(repository, manual, corpus(40 + Math.floor(random() * 80), manual, step))
      else if (action < 0.7) await repository.removeManual(manual)
      else {
        const tools = await repository.getTools()
        for (let count = 0; count < 5 && tools.length > 0; count += 1) {
          await repository.removeTool(tools[Math.floor(random() * tools.length)]?.name ?? '')
        }
      }
      if (random() < 0.3) continue
      const all = await repository.getTools()
      const limit = [0, 1, 4, 25][step % 4] ?? 0
      const found = await strategy.searchTools(repository, query, limit)
      expect(names(found), `step ${step}`).toEqual(plainScan(all, query, limit))
    }
  })

  it('finds what was registered while other searches were running', async () => {
    const repository = await repositoryOf({ a: corpus(50, 'a') })
    const strategy = new TagAndDescriptionWordMatchStrategy()
    const tool = { ...(corpus(1, 'late')[0] as Tool), name: 'late.unicorn', tags: ['unicorn'] }
    const early = Array.from({ length: 5 }, () => strategy.searchTools(repository, 'unicorn', 1))
    await save(repository, 'late', [tool])
    const late = await strategy.searchTools(repository, 'unicorn', 1)
    await Promise.all(early)
    expect(names(late)).toEqual(['late.unicorn'])
  })
})
