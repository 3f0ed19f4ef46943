import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

/** Tools after file stores: files, folders, sharing, versions, with names as OData and Graph APIs have them. */
export const files: readonly CorpusTool[] = [
  {
    name: 'list_files',
    description: 'Lists files. Parameters have the names of OData.',
    schema: object({
      folder: { type: 'string', default: 'root' },
      $top: { type: 'integer', minimum: 1, maximum: 999 },
      $orderby: oneOfTexts('name asc', 'name desc', 'size'),
      $filter: text(),
      'filter[owner]': text(),
    }),
    valid: [{}, { $top: 5, $orderby: 'size', 'filter[owner]': 'me' }],
    invalid: [{ $top: 0 }, { $orderby: 'x' }],
  },
  {
    name: 'upload_file',
    description: 'Uploads a small file.',
    schema: object(
      {
        path: { type: 'string', pattern: '^(?!/)[^\\0]+$' },
        content: { type: 'string', contentEncoding: 'base64' },
        '@microsoft.graph.conflictBehavior': { ...oneOfTexts('fail', 'replace', 'rename'), default: 'fail' },
        mode: { type: 'integer', enum: [420, 493], default: 420 },
      },
      ['path', 'content'],
    ),
    valid: [
      { path: 'a.txt', content: 'aGk=' },
      { path: 'b/c', content: '', '@microsoft.graph.conflictBehavior': 'rename', mode: 493 },
    ],
    invalid: [
      { path: '/a', content: '' },
      { path: 'a', content: '', mode: 1 },
    ],
  },
  {
    name: 'move_items',
    description: 'Moves files and folders.',
    schema: object(
      {
        items: list(
          { type: 'array', prefixItems: [text('From'), text('To')], items: false, minItems: 2 },
          { minItems: 1 },
        ),
        overwrite: { type: 'boolean', default: false },
      },
      ['items'],
    ),
    valid: [
      { items: [['a', 'b']] },
      {
        items: [
          ['a', 'b'],
          ['c', 'd'],
        ],
        overwrite: true,
      },
    ],
    invalid: [{ items: [] }, { items: [['a']] }, { items: [['a', 'b', 'c']] }],
  },
  {
    name: 'create_folder_tree',
    description: 'Makes folders and what is in them.',
    schema: {
      ...object({ root: { $ref: '#/$defs/folder' } }, ['root'], { additionalProperties: false }),
      $defs: {
        folder: object(
          { name: text(), children: list({ anyOf: [{ $ref: '#/$defs/folder' }, { $ref: '#/$defs/file' }] }) },
          ['name', 'children'],
          { additionalProperties: false },
        ),
        file: object({ name: text(), bytes: { type: 'integer', minimum: 0 } }, ['name', 'bytes'], {
          additionalProperties: false,
        }),
      },
    },
    valid: [
      { root: { name: 'r', children: [] } },
      {
        root: {
          name: 'r',
          children: [
            { name: 'f', bytes: 1 },
            { name: 's', children: [{ name: 'g', bytes: 0 }] },
          ],
        },
      },
    ],
    invalid: [{ root: { name: 'r' } }, { root: { name: 'r', children: [{ name: 'x' }] } }],
  },
  {
    name: 'share',
    description: 'Shares a file with people, groups or anyone.',
    schema: object(
      {
        file: text(),
        with: {
          oneOf: [
            object({ kind: { type: 'string', enum: ['user'] }, email: { type: 'string', format: 'email' } }, [
              'kind',
              'email',
            ]),
            object({ kind: { type: 'string', enum: ['group'] }, id: { type: 'string', format: 'uuid' } }, [
              'kind',
              'id',
            ]),
            object({ kind: { type: 'string', enum: ['anyone'] }, expires: { type: 'string', format: 'date-time' } }, [
              'kind',
            ]),
          ],
        },
        role: { ...oneOfTexts('reader', 'commenter', 'writer'), default: 'reader' },
      },
      ['file', 'with'],
    ),
    valid: [
      { file: 'f', with: { kind: 'anyone' } },
      { file: 'f', with: { kind: 'group', id: '0f14d0ab-9605-4a62-a9e4-5ed26688389b' }, role: 'writer' },
      { file: 'f', with: { kind: 'user', email: 'a@example.com' } },
    ],
    invalid: [
      { file: 'f', with: { kind: 'user' } },
      { file: 'f', with: { kind: 'all' } },
    ],
  },
  {
    name: 'set_metadata',
    description: 'Sets members of any names and values on a file.',
    schema: object({ file: text(), values: { type: 'object' }, remove: list(text(), { default: [] }), strict: true }, [
      'file',
      'values',
    ]),
    valid: [
      { file: 'f', values: {} },
      { file: 'f', values: { a: [1, { b: null }], constructor: 'x' }, strict: 5 },
    ],
    invalid: [{ file: 'f' }, { file: 'f', values: [] }],
  },
  {
    name: 'search_files',
    description: 'Searches names and contents.',
    schema: object(
      {
        query: { type: 'string', minLength: 1 },
        size: {
          type: 'object',
          properties: { min: { type: 'integer', minimum: 0 }, max: { type: 'integer', minimum: 0 } },
          additionalProperties: false,
        },
        mime: list({ type: 'string', pattern: '^[a-z]+/[a-z0-9.+*-]+$' }),
        owner: { anyOf: [{ const: 'me' }, { type: 'string', format: 'email' }] },
        legacy: false,
      },
      ['query'],
    ),
    valid: [{ query: 'x' }, { query: 'x', size: { min: 1 }, mime: ['image/png'], owner: 'me' }],
    invalid: [{ query: '' }, { query: 'x', legacy: 1 }, { query: 'x', mime: ['PNG'] }],
  },
  {
    name: 'write_rows',
    description: 'Writes rows of cells into a sheet.',
    schema: object(
      {
        sheet: text(),
        range: { type: 'string', pattern: '^[A-Z]+[0-9]+(:[A-Z]+[0-9]+)?$' },
        rows: list(list({ type: ['string', 'number', 'boolean', 'null'] }), { minItems: 1 }),
      },
      ['sheet', 'range', 'rows'],
    ),
    valid: [
      { sheet: 's', range: 'A1', rows: [[1, 'a', null, true]] },
      { sheet: 's', range: 'A1:B2', rows: [[], []] },
    ],
    invalid: [
      { sheet: 's', range: 'a1', rows: [[1]] },
      { sheet: 's', range: 'A1', rows: [] },
      { sheet: 's', range: 'A1', rows: [[{}]] },
    ],
  },
]
