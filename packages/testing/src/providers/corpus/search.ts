import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

/** Five hundred values of one enum, as catalogues of products have them. */
const categories = Array.from({ length: 500 }, (_, at) => `category_${String(at).padStart(3, '0')}`)

/** Tools after search engines and databases: web search, facets, queries, vectors. */
export const search: readonly CorpusTool[] = [
  {
    name: 'web_search',
    description: 'Searches the web.',
    schema: object(
      {
        query: { type: 'string', minLength: 1, maxLength: 400 },
        count: { type: 'integer', minimum: 1, maximum: 20, default: 10 },
        freshness: {
          anyOf: [
            { type: 'string', enum: ['pd', 'pw', 'pm', 'py'] },
            { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}to\\d{4}-\\d{2}-\\d{2}$' },
          ],
        },
        safesearch: { type: 'string', enum: ['off', 'moderate', 'strict'], default: 'moderate' },
      },
      ['query'],
    ),
    valid: [{ query: 'x' }, { query: 'wetter zürich', count: 3, freshness: '2026-01-01to2026-02-01' }],
    invalid: [{ query: '' }, { query: 'x', count: 21 }],
  },
  {
    name: 'search_products',
    description: 'Searches a catalogue of five hundred categories.',
    schema: object(
      {
        category: { type: 'string', enum: categories },
        price: object({ from: { type: 'number', minimum: 0 }, to: { type: 'number', minimum: 0 } }),
        attributes: { type: 'object', additionalProperties: list(text(), { minItems: 1 }) },
        sort: { enum: ['price', '-price', 'rating', 1, -1] },
      },
      ['category'],
    ),
    valid: [
      { category: 'category_000' },
      { category: 'category_499', price: { from: 1.5 }, attributes: { color: ['red', 'blue'] }, sort: -1 },
    ],
    invalid: [
      { category: 'category_500' },
      { category: 'category_001', attributes: { color: [] } },
      { category: 'category_001', sort: 0 },
    ],
  },
  {
    name: 'elastic_query',
    description: 'Runs a query in the style of Elasticsearch: every clause has one key.',
    schema: {
      ...object(
        { index: text(), query: { $ref: '#/$defs/Query' }, size: { type: 'integer', maximum: 10_000, default: 10 } },
        ['index', 'query'],
      ),
      $defs: {
        Query: {
          type: 'object',
          properties: {
            bool: { $ref: '#/$defs/Bool' },
            term: {
              type: 'object',
              additionalProperties: { type: ['string', 'number', 'boolean'] },
              minProperties: 1,
              maxProperties: 1,
            },
            match_all: { type: 'object', properties: {}, additionalProperties: false },
            range: { type: 'object', additionalProperties: { $ref: '#/$defs/Range' } },
          },
          minProperties: 1,
          maxProperties: 1,
          additionalProperties: false,
        },
        Bool: object({
          must: { $ref: '#/$defs/Clauses' },
          should: { $ref: '#/$defs/Clauses' },
          must_not: { $ref: '#/$defs/Clauses' },
        }),
        Clauses: { oneOf: [{ $ref: '#/$defs/Query' }, list({ $ref: '#/$defs/Query' })] },
        Range: object({ gte: { type: ['number', 'string'] }, lt: { type: ['number', 'string'] } }, [], {
          additionalProperties: false,
        }),
      },
    },
    valid: [
      { index: 'i', query: { match_all: {} } },
      {
        index: 'i',
        query: { bool: { must: [{ term: { a: 1 } }], should: { range: { t: { gte: 'now' } } } } },
        size: 0,
      },
    ],
    invalid: [
      { index: 'i', query: {} },
      { index: 'i', query: { term: { a: 1, b: 2 } } },
    ],
  },
  {
    name: 'sql_select',
    description: 'Reads rows.',
    schema: object(
      {
        table: { type: 'string', pattern: '^[a-z_][a-z0-9_]*$' },
        columns: { anyOf: [{ const: '*' }, list(text(), { minItems: 1 })], default: '*' },
        where: list({
          type: 'array',
          prefixItems: [text(), { enum: ['=', '<', '>', 'like'] }, { type: ['string', 'number', 'null'] }],
          minItems: 3,
          maxItems: 3,
        }),
        limit: { type: 'integer', minimum: 0, maximum: 1000 },
      },
      ['table'],
    ),
    valid: [
      { table: 'users' },
      {
        table: 'users',
        columns: ['id'],
        where: [
          ['id', '=', 5],
          ['name', 'like', 'a%'],
        ],
        limit: 10,
      },
    ],
    invalid: [{ table: 'Users' }, { table: 'users', where: [['id', '=']] }, { table: 'users', columns: [] }],
  },
  {
    name: 'vector_search',
    description: 'Finds the nearest vectors.',
    schema: object(
      {
        vector: list({ type: 'number' }, { minItems: 3, maxItems: 3 }),
        top_k: { type: 'integer', minimum: 1, maximum: 100, default: 5 },
        filter: {
          type: 'object',
          additionalProperties: {
            anyOf: [{ type: 'string' }, { type: 'number' }, object({ $in: list(text()) }, ['$in'])],
          },
        },
        include: list(oneOfTexts('metadata', 'values')),
      },
      ['vector'],
    ),
    valid: [
      { vector: [0, 0.5, 1] },
      { vector: [1, 2, 3], top_k: 1, filter: { lang: 'de', year: 2026, tag: { $in: ['a'] } } },
    ],
    invalid: [{ vector: [] }, { vector: [1, 2, 3], filter: { a: {} } }],
  },
  {
    name: 'ask_archive',
    description: 'Answers a question from an archive; either by text or by an earlier answer.',
    schema: {
      type: 'object',
      anyOf: [
        object({ question: { type: 'string', minLength: 3 }, language: oneOfTexts('de', 'fr', 'it', 'en') }, [
          'question',
        ]),
        object({ answer_id: { type: 'string', format: 'uuid' }, more: { type: 'boolean', default: true } }, [
          'answer_id',
        ]),
      ],
    },
    valid: [{ question: 'Warum?' }, { answer_id: '0f14d0ab-9605-4a62-a9e4-5ed26688389b', more: false }],
    invalid: [{}, { question: 'x' }],
  },
  {
    name: 'suggest',
    description: 'Completes what was typed.',
    schema: object(
      {
        prefix: { type: 'string' },
        weights: {
          type: 'object',
          properties: { popularity: { type: 'number', minimum: 0, maximum: 1 } },
          additionalProperties: { type: 'number' },
        },
        seen: { type: 'array' },
      },
      ['prefix'],
    ),
    valid: [{ prefix: '' }, { prefix: 'a', weights: { popularity: 0.5, recency: 3 }, seen: [1, 'x', {}] }],
    invalid: [
      { prefix: 'a', weights: { popularity: 2 } },
      { prefix: 'a', weights: { recency: 'much' } },
    ],
  },
]
