import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

const plain = object(
  { type: { const: 'plain_text' }, text: { type: 'string', maxLength: 3000 }, emoji: { type: 'boolean' } },
  ['type', 'text'],
  { additionalProperties: false },
)
const markdown = object({ type: { const: 'mrkdwn' }, text: { type: 'string', maxLength: 3000 } }, ['type', 'text'], {
  additionalProperties: false,
})

/** Tools after messengers and mail: blocks, rich text with recursion, threads, templates. */
export const messaging: readonly CorpusTool[] = [
  {
    name: 'post_message',
    description: 'Posts a message made of blocks.',
    schema: object(
      {
        channel: { type: 'string', pattern: '^[#@C][\\w-]+$' },
        thread: { type: ['string', 'null'] },
        blocks: list(
          {
            oneOf: [
              object({ type: { const: 'section' }, text: { oneOf: [plain, markdown] } }, ['type', 'text']),
              object({ type: { const: 'divider' } }, ['type']),
              object(
                {
                  type: { const: 'actions' },
                  elements: list(object({ action_id: text(), label: plain }, ['action_id', 'label']), { maxItems: 25 }),
                },
                ['type', 'elements'],
              ),
            ],
          },
          { maxItems: 50 },
        ),
      },
      ['channel'],
    ),
    valid: [
      { channel: '#general' },
      {
        channel: 'C024',
        thread: null,
        blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*hi*' } }, { type: 'divider' }],
      },
    ],
    invalid: [{ channel: 'general' }, { channel: '#a', blocks: [{ type: 'image' }] }],
  },
  {
    name: 'send_mail',
    description: 'Sends a mail.',
    schema: object(
      {
        to: {
          anyOf: [{ type: 'string', format: 'email' }, list({ type: 'string', format: 'email' }, { minItems: 1 })],
        },
        cc: list({ type: 'string', format: 'email' }),
        subject: { type: 'string', maxLength: 998 },
        body: {
          type: 'object',
          properties: { text: text(), html: text() },
          anyOf: [{ required: ['text'] }, { required: ['html'] }],
        },
        headers: { type: 'object', patternProperties: { '^X-': { type: 'string' } }, additionalProperties: false },
        send_at: { type: 'string', format: 'date-time' },
      },
      ['to', 'subject', 'body'],
    ),
    valid: [
      { to: 'a@example.com', subject: 's', body: { text: 't' } },
      { to: ['a@example.com', 'b@example.com'], subject: '', body: { html: '<p>' }, headers: { 'X-Priority': '1' } },
    ],
    invalid: [
      { to: 'a@example.com', subject: 's', body: {} },
      { to: [], subject: 's', body: { text: '' } },
    ],
  },
  {
    name: 'send_rich_text',
    description: 'Sends a document of nested nodes, as editors save it.',
    schema: {
      ...object({ document: { $ref: '#/$defs/doc' } }, ['document']),
      $defs: {
        doc: object({ type: { const: 'doc' }, content: list({ $ref: '#/$defs/block' }) }, ['type', 'content']),
        block: { anyOf: [{ $ref: '#/$defs/paragraph' }, { $ref: '#/$defs/quote' }, { $ref: '#/$defs/listing' }] },
        paragraph: object({ type: { const: 'paragraph' }, content: list({ $ref: '#/$defs/inline' }) }, ['type']),
        quote: object({ type: { const: 'quote' }, content: list({ $ref: '#/$defs/block' }) }, ['type', 'content']),
        listing: object({ type: { const: 'list' }, items: list(list({ $ref: '#/$defs/block' })) }, ['type', 'items']),
        inline: object({ text: text(), marks: list(oneOfTexts('bold', 'italic', 'code')) }, ['text']),
      },
    },
    valid: [
      { document: { type: 'doc', content: [] } },
      {
        document: {
          type: 'doc',
          content: [
            { type: 'quote', content: [{ type: 'paragraph', content: [{ text: 'a', marks: ['bold'] }] }] },
            { type: 'list', items: [[{ type: 'paragraph' }]] },
          ],
        },
      },
    ],
    invalid: [{ document: {} }, { document: { type: 'doc', content: [{ type: 'image' }] } }],
  },
  {
    name: 'send_template',
    description: 'Sends an approved template with its variables, numbered.',
    schema: object(
      {
        template: text(),
        language: { type: 'string', pattern: '^[a-z]{2}(_[A-Z]{2})?$', default: 'en' },
        variables: {
          type: 'object',
          patternProperties: { '^[0-9]+$': text() },
          additionalProperties: false,
          minProperties: 1,
        },
        to: { type: 'string', pattern: '^\\+[1-9]\\d{6,14}$' },
      },
      ['template', 'to'],
    ),
    valid: [
      { template: 't', to: '+41791234567' },
      { template: 't', to: '+41791234567', language: 'de_CH', variables: { 1: 'a', 2: 'b' } },
    ],
    invalid: [
      { template: 't', to: '0791234567' },
      { template: 't', to: '+41791234567', variables: {} },
    ],
  },
  {
    name: 'nachricht_übersetzen',
    description: 'Übersetzt eine Nachricht. 日本語も翻訳します。',
    schema: object(
      {
        текст: { type: 'string', description: 'Что перевести' },
        'Zielsprache (ISO)': oneOfTexts('de', '日本語', 'français'),
        größe: { type: 'number' },
      },
      ['текст', 'Zielsprache (ISO)'],
      { additionalProperties: false },
    ),
    valid: [
      { текст: 'привет', 'Zielsprache (ISO)': 'de' },
      { текст: '', 'Zielsprache (ISO)': '日本語', größe: 1.5 },
    ],
    invalid: [{ текст: 'x' }, { текст: 'x', 'Zielsprache (ISO)': 'en' }],
  },
  {
    name: 'set_notification_rules',
    description: 'Says who is told of what.',
    schema: object(
      {
        rules: list(
          object(
            {
              on: oneOfTexts('mention', 'reply', 'reaction'),
              via: list(oneOfTexts('push', 'mail'), { minItems: 1, uniqueItems: true, contains: { const: 'push' } }),
              quiet: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 23 }, minItems: 2, maxItems: 2 },
            },
            ['on', 'via'],
          ),
        ),
      },
      ['rules'],
    ),
    valid: [{ rules: [] }, { rules: [{ on: 'reply', via: ['push', 'mail'], quiet: [22, 7] }] }],
    invalid: [{ rules: [{ on: 'reply', via: ['mail'] }] }, { rules: [{ on: 'reply', via: ['push'], quiet: [22] }] }],
  },
  {
    name: 'react',
    description: 'Adds or takes away a reaction.',
    schema: object(
      {
        message: text(),
        emoji: { type: 'string', minLength: 1, maxLength: 2 },
        remove: { type: 'boolean', default: false },
      },
      ['message', 'emoji'],
    ),
    valid: [
      { message: 'm', emoji: '🙂' },
      { message: 'm', emoji: '+1', remove: true },
    ],
    invalid: [
      { message: 'm', emoji: '' },
      { message: 'm', emoji: 'abc' },
    ],
  },
]
