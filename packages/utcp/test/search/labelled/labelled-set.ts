import { readFileSync } from 'node:fs'
import { InMemToolRepository, type Tool, type ToolSearchStrategy } from '../../../src/index.ts'

/** What somebody asks for, and the tools of which any one answers it. */
export interface LabelledQuery {
  readonly query: string
  readonly expected: readonly string[]
}

function lines(file: string): string[][] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8').trim()
  return text.split('\n').map((line) => line.split('|').map((part) => part.trim()))
}

/** 179 tools of many services, as their documentation describes them. */
export function labelledTools(): Tool[] {
  return lines('tools.txt').map(([name = '', description = '', tags = '', parameters = '']) => ({
    ...{ name, description, tags: tags.split(', '), outputs: {} },
    inputs: {
      type: 'object',
      properties: Object.fromEntries(parameters.split(' ').map((parameter) => [parameter, { type: 'string' }])),
    },
    tool_call_template: { call_template_type: 'http', url: 'https://example.com' },
  }))
}

/** 100 queries in people's words, written before any ranking was tuned. */
export function labelledQueries(): LabelledQuery[] {
  return lines('queries.txt').map(([query = '', expected = '']) => ({ query, expected: expected.split(' ') }))
}

/** A repository of all labelled tools. */
export async function labelledRepository(): Promise<InMemToolRepository> {
  const repository = new InMemToolRepository()
  const manuals = Map.groupBy(labelledTools(), ({ name }) => name.slice(0, name.indexOf('.')))
  for (const [name, tools] of manuals) {
    const manual = { utcp_version: '1.0.1', manual_version: '1.0.0', tools }
    await repository.saveManual({ name, call_template_type: 'http' }, manual)
  }
  return repository
}

/** The share of queries that have one of their tools among the first `k`, and the queries that have none. */
export async function recall(
  strategy: ToolSearchStrategy,
  k: number,
): Promise<{ recall: number; missed: readonly string[] }> {
  const repository = await labelledRepository()
  const queries = labelledQueries()
  const missed: string[] = []
  for (const { query, expected } of queries) {
    const found = await strategy.searchTools(repository, query, k)
    if (!found.some(({ name }) => expected.includes(name))) missed.push(query)
  }
  return { recall: 1 - missed.length / queries.length, missed }
}
