import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

/** Tools after customer databases: contacts, deals, filters, imports, with names as generators write them. */
export const crm: readonly CorpusTool[] = [
  {
    name: 'upsert_contact',
    description: 'Creates or updates a contact.',
    schema: {
      title: 'UpsertContact',
      ...object(
        {
          email: { title: 'Email', type: 'string', format: 'email' },
          first_name: { title: 'First Name', anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
          age: { title: 'Age', anyOf: [{ type: 'integer', exclusiveMinimum: 0 }, { type: 'null' }], default: null },
          tags: { title: 'Tags', type: 'array', items: { type: 'string' }, default: [] },
          address: { anyOf: [{ $ref: '#/$defs/Address' }, { type: 'null' }], default: null },
        },
        ['email'],
      ),
      $defs: {
        Address: {
          title: 'Address',
          ...object(
            { street: { title: 'Street', type: 'string' }, zip: { title: 'Zip', type: 'string', default: '' } },
            ['street'],
          ),
        },
      },
    },
    valid: [
      { email: 'a@example.com' },
      { email: 'a@example.com', first_name: null, age: 3, tags: ['x'], address: { street: 's' } },
    ],
    invalid: [{ email: 'a' }, { email: 'a@example.com', age: 0 }],
  },
  {
    name: 'search_crm_objects',
    description: 'Searches by groups of filters, as HubSpot does.',
    schema: object(
      {
        filterGroups: list(
          object(
            {
              filters: list(
                {
                  anyOf: [
                    object(
                      {
                        propertyName: text(),
                        operator: oneOfTexts('EQ', 'NEQ', 'GT', 'LT'),
                        value: { type: ['string', 'number'] },
                      },
                      ['propertyName', 'operator', 'value'],
                      { additionalProperties: false },
                    ),
                    object(
                      {
                        propertyName: text(),
                        operator: oneOfTexts('IN', 'NOT_IN'),
                        values: list(text(), { minItems: 1 }),
                      },
                      ['propertyName', 'operator', 'values'],
                      { additionalProperties: false },
                    ),
                    object(
                      { propertyName: text(), operator: oneOfTexts('HAS_PROPERTY') },
                      ['propertyName', 'operator'],
                      { additionalProperties: false },
                    ),
                  ],
                },
                { minItems: 1, maxItems: 6 },
              ),
            },
            ['filters'],
          ),
          { maxItems: 5 },
        ),
        after: { type: 'string' },
        limit: { type: 'integer', default: 10, maximum: 200, minimum: 1 },
      },
      ['filterGroups'],
    ),
    valid: [
      { filterGroups: [] },
      {
        filterGroups: [
          {
            filters: [
              { propertyName: 'a', operator: 'IN', values: ['x'] },
              { propertyName: 'b', operator: 'EQ', value: 5 },
            ],
          },
        ],
        limit: 1,
      },
    ],
    invalid: [
      { filterGroups: [{ filters: [] }] },
      { filterGroups: [{ filters: [{ propertyName: 'a', operator: 'EQ' }] }] },
    ],
  },
  {
    name: 'update_deal_stage_and_notify_everyone_who_follows_the_deal_or_its_company_by_mail',
    description: 'Moves a deal. The name is longer than any provider takes.',
    schema: object(
      {
        deal: { type: 'integer', format: 'int64', minimum: 1 },
        stage: oneOfTexts('lead', 'offer', 'won', 'lost'),
        settings__approved__or__denied__countries__or__regions__approved__list: list(text()),
      },
      ['deal', 'stage'],
    ),
    valid: [
      { deal: 1, stage: 'won' },
      { deal: 9, stage: 'lost', settings__approved__or__denied__countries__or__regions__approved__list: ['CH'] },
    ],
    invalid: [
      { deal: 0, stage: 'won' },
      { deal: 1, stage: 'x' },
    ],
  },
  {
    name: 'import_records',
    description: 'Imports records of any members.',
    schema: object(
      {
        type: oneOfTexts('contact', 'company'),
        records: list({ type: 'object', additionalProperties: true }, { minItems: 1, maxItems: 1000 }),
        dedupe_by: { type: 'array', items: text(), default: ['email'] },
      },
      ['type', 'records'],
    ),
    valid: [
      { type: 'contact', records: [{}] },
      { type: 'company', records: [{ name: 'A', employees: 5, nested: { a: [null] } }], dedupe_by: [] },
    ],
    invalid: [
      { type: 'contact', records: [] },
      { type: 'contact', records: ['x'] },
    ],
  },
  {
    name: 'associate',
    description: 'Connects two records.',
    schema: object(
      { from: { $ref: '#/$defs/Ref' }, to: { $ref: '#/$defs/Ref' }, label: { type: 'string', nullable: true } },
      ['from', 'to'],
      {
        $defs: {
          Ref: object({ type: { $ref: '#/$defs/Type' }, id: { type: ['string', 'integer'] } }, ['type', 'id'], {
            additionalProperties: false,
          }),
          Type: oneOfTexts('contact', 'company', 'deal'),
        },
      },
    ),
    valid: [
      { from: { type: 'contact', id: 1 }, to: { type: 'deal', id: 'd' } },
      { from: { type: 'deal', id: 2 }, to: { type: 'company', id: 3 }, label: 'x' },
    ],
    invalid: [
      { from: { type: 'contact' }, to: { type: 'deal', id: 'd' } },
      { from: { type: 'x', id: 1 }, to: { type: 'deal', id: 1 } },
    ],
  },
  {
    name: 'inherited_names',
    description: 'Has members that every JavaScript object inherits.',
    schema: object(
      {
        constructor: text(),
        toString: { type: 'integer', default: 1 },
        hasOwnProperty: { type: 'boolean' },
        prototype: object({ valueOf: text() }),
      },
      ['constructor'],
    ),
    valid: [{ constructor: 'a' }, { constructor: '', toString: 5, hasOwnProperty: true, prototype: { valueOf: 'x' } }],
    invalid: [{ constructor: 5 }, { constructor: 'a', hasOwnProperty: 'no' }],
  },
  {
    name: 'score_lead',
    description: 'Scores a lead by signals.',
    schema: object(
      {
        lead: text(),
        signals: {
          type: 'object',
          properties: { opens: { type: 'integer', minimum: 0 }, visits: { type: 'integer', minimum: 0 } },
          patternProperties: { '^x_': { type: 'number' } },
          additionalProperties: { type: 'boolean' },
        },
        weights: { type: 'array', items: { type: 'number' }, prefixItems: [{ type: 'integer' }], minItems: 1 },
      },
      ['lead', 'signals'],
    ),
    valid: [
      { lead: 'l', signals: {} },
      { lead: 'l', signals: { opens: 1, x_custom: 0.5, newsletter: true }, weights: [1, 0.5] },
    ],
    invalid: [
      { lead: 'l', signals: { opens: -1 } },
      { lead: 'l', signals: { newsletter: 'yes' } },
    ],
  },
]
