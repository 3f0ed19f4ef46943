import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

/** Tools after issue trackers: issues, queries with recursion, boards, fields of one's own. */
export const trackers: readonly CorpusTool[] = [
  {
    name: 'create_issue',
    description: 'Opens an issue.',
    schema: object(
      {
        project: { type: 'string', pattern: '^[A-Z][A-Z0-9]{1,9}$' },
        title: { type: 'string', minLength: 1, maxLength: 255 },
        body: { type: 'string', description: 'Markdown', default: '' },
        priority: { type: 'string', enum: ['lowest', 'low', 'medium', 'high', 'highest'], default: 'medium' },
        labels: list({ type: 'string' }, { uniqueItems: true, maxItems: 20 }),
        assignee: { type: ['string', 'null'] },
        fields: { type: 'object', patternProperties: { '^customfield_[0-9]+$': {} }, additionalProperties: false },
      },
      ['project', 'title'],
      { additionalProperties: false },
    ),
    valid: [
      { project: 'ATP', title: 'Es brennt 🔥' },
      {
        project: 'WEB',
        title: 't',
        labels: ['bug'],
        assignee: null,
        fields: { customfield_1: { id: 5 }, customfield_22: 'x' },
      },
    ],
    invalid: [
      { project: 'atp', title: 'x' },
      { project: 'ATP', title: 'x', fields: { other: 1 } },
    ],
  },
  {
    name: 'search_issues',
    description: 'Searches by conditions that may be nested.',
    schema: {
      ...object(
        { where: { $ref: '#/$defs/Condition' }, limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 } },
        ['where'],
      ),
      $defs: {
        Condition: {
          anyOf: [
            object({ all: list({ $ref: '#/$defs/Condition' }, { minItems: 1 }) }, ['all'], {
              additionalProperties: false,
            }),
            object({ any: list({ $ref: '#/$defs/Condition' }, { minItems: 1 }) }, ['any'], {
              additionalProperties: false,
            }),
            object({ not: { $ref: '#/$defs/Condition' } }, ['not'], { additionalProperties: false }),
            { $ref: '#/$defs/Comparison' },
          ],
        },
        Comparison: object(
          {
            field: oneOfTexts('status', 'assignee', 'created', 'label'),
            op: oneOfTexts('=', '!=', '<', '>', 'in'),
            value: { type: ['string', 'number', 'boolean', 'array'], items: { type: 'string' } },
          },
          ['field', 'op', 'value'],
          { additionalProperties: false },
        ),
      },
    },
    valid: [
      { where: { field: 'status', op: '=', value: 'open' } },
      {
        where: {
          all: [
            { not: { field: 'label', op: 'in', value: ['a', 'b'] } },
            { any: [{ field: 'created', op: '>', value: 5 }] },
          ],
        },
        limit: 5,
      },
    ],
    invalid: [{ where: {} }, { where: { all: [] } }, { where: { field: 'x', op: '=', value: 1 } }],
  },
  {
    name: 'add_comment_tree',
    description: 'Adds a comment with its replies.',
    schema: {
      $ref: '#/definitions/Comment',
      definitions: {
        Comment: object(
          { author: text(), text: { type: 'string', minLength: 1 }, replies: list({ $ref: '#/definitions/Comment' }) },
          ['text'],
        ),
      },
      type: 'object',
    },
    valid: [{ text: 'a' }, { text: 'a', replies: [{ text: 'b', author: 'x', replies: [{ text: 'c' }] }] }],
    invalid: [{ text: '' }, { text: 'a', replies: [{}] }],
  },
  {
    name: 'transition_issue',
    description: 'Moves an issue; closing needs a resolution.',
    schema: object(
      {
        key: text(),
        to: oneOfTexts('open', 'in_progress', 'closed'),
        resolution: oneOfTexts('fixed', 'wontfix', 'duplicate'),
        duplicate_of: text(),
      },
      ['key', 'to'],
      {
        if: { properties: { to: { const: 'closed' } } },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { required: ['resolution'] },
        dependentRequired: { duplicate_of: ['resolution'] },
      },
    ),
    valid: [
      { key: 'A-1', to: 'open' },
      { key: 'A-1', to: 'closed', resolution: 'fixed' },
    ],
    invalid: [
      { key: 'A-1', to: 'closed' },
      { key: 'A-1', to: 'open', duplicate_of: 'A-2' },
    ],
  },
  {
    name: 'bulk_edit',
    description: 'Applies operations in the form of JSON Patch (RFC 6902).',
    schema: object(
      {
        keys: list(text(), { minItems: 1, maxItems: 100 }),
        patch: list({
          oneOf: [
            object(
              { op: { enum: ['add', 'replace', 'test'] }, path: { type: 'string', format: 'json-pointer' }, value: {} },
              ['op', 'path', 'value'],
            ),
            object({ op: { const: 'remove' }, path: { type: 'string', format: 'json-pointer' } }, ['op', 'path']),
            object({ op: { enum: ['move', 'copy'] }, path: text(), from: text() }, ['op', 'path', 'from']),
          ],
        }),
      },
      ['keys', 'patch'],
    ),
    valid: [
      { keys: ['A-1'], patch: [{ op: 'replace', path: '/title', value: 'x' }] },
      {
        keys: ['A-1', 'A-2'],
        patch: [
          { op: 'remove', path: '/labels/0' },
          { op: 'move', path: '/a', from: '/b' },
        ],
      },
    ],
    invalid: [
      { keys: [], patch: [] },
      { keys: ['A'], patch: [{ op: 'add', path: '/a' }] },
    ],
  },
  {
    name: 'plan_sprint',
    description: 'Plans a sprint.',
    schema: {
      allOf: [
        { $ref: '#/$defs/Named' },
        object({ goal: text(), capacity: { type: 'integer', minimum: 0 } }, ['capacity']),
        { properties: { capacity: { maximum: 500 } } },
      ],
      type: 'object',
      $defs: {
        Named: object({ name: { type: 'string', minLength: 3 }, start: { type: 'string', format: 'date' } }, ['name']),
      },
      unevaluatedProperties: false,
    },
    valid: [
      { name: 'Sprint 1', capacity: 40 },
      { name: 'abc', capacity: 0, goal: 'g', start: '2026-01-05' },
    ],
    invalid: [
      { name: 'ab', capacity: 1 },
      { name: 'abc', capacity: 501 },
      { name: 'abc', capacity: 1, extra: true },
    ],
  },
  {
    name: 'log_work',
    description: 'Logs time spent: as text such as "1h 30m" or in seconds.',
    schema: object(
      {
        key: text(),
        spent: {
          anyOf: [
            { type: 'string', pattern: '^(\\d+h)?( ?\\d+m)?$', minLength: 2 },
            { type: 'integer', minimum: 60 },
          ],
        },
        started: { type: 'string', format: 'date-time' },
      },
      ['key', 'spent'],
    ),
    valid: [
      { key: 'A-1', spent: '1h 30m' },
      { key: 'A-1', spent: 3600, started: '2026-01-02T10:00:00Z' },
    ],
    invalid: [
      { key: 'A-1', spent: 5 },
      { key: 'A-1', spent: 'long' },
    ],
  },
]
