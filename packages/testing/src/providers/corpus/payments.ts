import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

/** ISO 4217 codes, as payment APIs list them. */
const currencies = ['chf', 'eur', 'gbp', 'jpy', 'nok', 'pln', 'sek', 'usd']
const amount = { type: 'integer', minimum: 1, maximum: 99_999_999, description: 'In the smallest unit of the currency' }
const metadata = { type: 'object', additionalProperties: { type: 'string', maxLength: 500 }, maxProperties: 50 }

/** Tools after payment APIs: charges, refunds, subscriptions, payouts, invoices, tax. */
export const payments: readonly CorpusTool[] = [
  {
    name: 'create_payment_intent',
    description: 'Prepares a payment. It is taken once the customer confirms it.',
    schema: object(
      {
        amount,
        currency: { type: 'string', enum: currencies },
        capture_method: { type: 'string', enum: ['automatic', 'manual'], default: 'automatic' },
        customer: { type: 'string', pattern: '^cus_[A-Za-z0-9]{8,32}$' },
        receipt_email: { type: 'string', format: 'email' },
        statement_descriptor: { type: 'string', minLength: 5, maxLength: 22 },
        metadata,
      },
      ['amount', 'currency'],
      { additionalProperties: false },
    ),
    valid: [
      { amount: 1999, currency: 'eur' },
      { amount: 5, currency: 'jpy', capture_method: 'manual', customer: 'cus_ABCDEFGH', metadata: { order: '6735' } },
    ],
    invalid: [
      { amount: 0, currency: 'eur' },
      { amount: 5, currency: 'xxx' },
      { amount: 5, currency: 'eur', tip: 1 },
    ],
  },
  {
    name: 'create_payment_method',
    description: 'Stores a means of payment.',
    schema: object(
      {
        method: {
          oneOf: [
            object(
              {
                type: { const: 'card' },
                number: { type: 'string', pattern: '^[0-9]{12,19}$' },
                exp_month: { type: 'integer', minimum: 1, maximum: 12 },
                exp_year: { type: 'integer', minimum: 2024, maximum: 2099 },
              },
              ['type', 'number', 'exp_month', 'exp_year'],
            ),
            object(
              { type: { const: 'sepa_debit' }, iban: { type: 'string', pattern: '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' } },
              ['type', 'iban'],
            ),
            object({ type: { const: 'wallet' }, provider: oneOfTexts('apple', 'google') }, ['type', 'provider']),
          ],
          discriminator: { propertyName: 'type' },
        },
      },
      ['method'],
    ),
    valid: [
      { method: { type: 'card', number: '4242424242424242', exp_month: 3, exp_year: 2030 } },
      { method: { type: 'sepa_debit', iban: 'DE89370400440532013000' } },
      { method: { type: 'wallet', provider: 'apple' } },
    ],
    invalid: [{ method: { type: 'card', provider: 'apple' } }, { method: {} }, {}],
  },
  {
    name: 'refund_charge',
    description: 'Gives a charge back, in whole or in part.',
    schema: object(
      {
        charge: text('Id of the charge'),
        amount: { anyOf: [amount, { type: 'null' }], description: 'null for the whole charge', default: null },
        reason: { enum: ['duplicate', 'fraudulent', 'requested_by_customer', null] },
      },
      ['charge'],
    ),
    valid: [
      { charge: 'ch_1' },
      { charge: 'ch_1', amount: null, reason: null },
      { charge: 'ch_1', amount: 5, reason: 'duplicate' },
    ],
    invalid: [
      { charge: 'ch_1', reason: 'whim' },
      { charge: 'ch_1', amount: '5' },
    ],
  },
  {
    name: 'create_subscription',
    description: 'Subscribes a customer to prices.',
    schema: object(
      {
        customer: text(),
        items: list(object({ price: text(), quantity: { type: 'integer', minimum: 1, default: 1 } }, ['price']), {
          minItems: 1,
          maxItems: 20,
        }),
        trial_end: {
          oneOf: [
            { type: 'integer', description: 'Seconds since 1970' },
            { type: 'string', const: 'now' },
          ],
        },
        proration_behavior: {
          ...oneOfTexts('create_prorations', 'none', 'always_invoice'),
          default: 'create_prorations',
        },
      },
      ['customer', 'items'],
    ),
    valid: [
      { customer: 'c', items: [{ price: 'p' }] },
      { customer: 'c', items: [{ price: 'p', quantity: 2 }], trial_end: 'now' },
      { customer: 'c', items: [{ price: 'p' }], trial_end: 1_800_000_000 },
    ],
    invalid: [
      { customer: 'c', items: [] },
      { customer: 'c', items: [{ price: 'p' }], trial_end: 'soon' },
    ],
  },
  {
    name: 'create_invoice',
    description: 'Writes an invoice with lines, discounts and addresses.',
    schema: {
      ...object(
        {
          number: { type: 'string', pattern: '^[A-Z]{2,4}-\\d{4,}$' },
          due: { type: 'string', format: 'date' },
          billing: { $ref: '#/$defs/Address' },
          shipping: { $ref: '#/$defs/Address' },
          lines: list({ $ref: '#/$defs/Line' }, { minItems: 1 }),
        },
        ['number', 'billing', 'lines'],
      ),
      $defs: {
        Address: object({ street: text(), city: text(), country: { $ref: '#/$defs/Country' }, zip: text() }, [
          'street',
          'city',
          'country',
        ]),
        Country: { type: 'string', minLength: 2, maxLength: 2, description: 'ISO 3166-1' },
        Line: object(
          {
            text: text(),
            quantity: { type: 'number', exclusiveMinimum: 0 },
            unit_price: { type: 'number', multipleOf: 0.01 },
            tax: { type: 'number', minimum: 0, maximum: 100, default: 19 },
          },
          ['text', 'quantity', 'unit_price'],
        ),
      },
    },
    valid: [
      {
        number: 'RE-0001',
        billing: { street: 'a', city: 'b', country: 'DE' },
        lines: [{ text: 'x', quantity: 1, unit_price: 2 }],
      },
      {
        number: 'INV-20260001',
        due: '2026-12-01',
        billing: { street: 'a', city: 'b', country: 'CH', zip: '8000' },
        shipping: { street: 'a', city: 'b', country: 'CH' },
        lines: [{ text: 'x', quantity: 0.5, unit_price: 4, tax: 7.7 }],
      },
    ],
    invalid: [
      { number: '1', billing: {}, lines: [] },
      { number: 'RE-0001', lines: [] },
    ],
  },
  {
    name: 'list_transactions',
    description: 'Lists transactions of an account, newest first.',
    schema: object({
      account: { type: ['string', 'null'], default: null },
      created: object(
        { gte: { type: 'string', format: 'date-time' }, lt: { type: 'string', format: 'date-time' } },
        [],
        {
          minProperties: 1,
          additionalProperties: false,
        },
      ),
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
      types: list(oneOfTexts('charge', 'refund', 'payout', 'fee'), { uniqueItems: true }),
    }),
    valid: [{}, { account: 'a', created: { gte: '2026-01-01T00:00:00Z' }, limit: 5, types: ['charge', 'fee'] }],
    invalid: [{ created: {} }, { limit: 0 }, { types: ['charge', 'charge'] }],
  },
  {
    name: 'quote_tax',
    description: 'Computes taxes: by address or by coordinates, never both.',
    schema: object(
      {
        amount: { type: 'number', minimum: 0 },
        address: object({ country: text(), zip: text() }, ['country']),
        point: {
          type: 'array',
          prefixItems: [
            { type: 'number', minimum: -90, maximum: 90 },
            { type: 'number', minimum: -180, maximum: 180 },
          ],
          items: false,
          minItems: 2,
        },
      },
      ['amount'],
      { oneOf: [{ required: ['address'] }, { required: ['point'] }] },
    ),
    valid: [
      { amount: 5, address: { country: 'FR' } },
      { amount: 0, point: [48.1, 11.6] },
    ],
    invalid: [{ amount: 5 }, { amount: 5, address: { country: 'FR' }, point: [1, 2] }],
  },
]
