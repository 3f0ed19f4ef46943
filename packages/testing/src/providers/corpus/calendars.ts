import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

const instant = { type: 'string', format: 'date-time' }
const day = { type: 'string', format: 'date' }

/** Tools after calendar APIs: events, free times, repetition, bookings. */
export const calendars: readonly CorpusTool[] = [
  {
    name: 'create_event',
    description: 'Puts an event into a calendar.',
    schema: {
      ...object(
        {
          summary: { type: 'string', minLength: 1, maxLength: 200 },
          start: { $ref: '#/$defs/When' },
          end: { $ref: '#/$defs/When' },
          attendees: list(
            object({ email: { type: 'string', format: 'email' }, optional: { type: 'boolean', default: false } }, [
              'email',
            ]),
            { default: [] },
          ),
          reminders: list({ type: 'integer', minimum: 0, maximum: 40_320 }, { maxItems: 5 }),
          visibility: { ...oneOfTexts('default', 'public', 'private'), default: 'default' },
        },
        ['summary', 'start', 'end'],
      ),
      $defs: {
        When: {
          oneOf: [
            object({ date: day }, ['date'], { additionalProperties: false }),
            object({ dateTime: instant, timeZone: text() }, ['dateTime'], { additionalProperties: false }),
          ],
        },
      },
    },
    valid: [
      { summary: 'Fest', start: { date: '2026-12-24' }, end: { date: '2026-12-26' } },
      {
        summary: 'Sync',
        start: { dateTime: '2026-01-02T10:00:00+01:00', timeZone: 'Europe/Zurich' },
        end: { dateTime: '2026-01-02T11:00:00+01:00' },
        attendees: [{ email: 'a@example.com', optional: true }],
        reminders: [10],
      },
    ],
    invalid: [
      { summary: '', start: { date: '2026-12-24' }, end: { date: '2026-12-26' } },
      { summary: 'x', start: {}, end: {} },
    ],
  },
  {
    name: 'set_recurrence',
    description: 'Makes an event repeat.',
    schema: object(
      {
        event: text(),
        rule: {
          anyOf: [
            object({ every: { const: 'day' }, interval: { type: 'integer', minimum: 1 } }, ['every']),
            object(
              {
                every: { const: 'week' },
                days: list(oneOfTexts('MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'), { minItems: 1, uniqueItems: true }),
              },
              ['every', 'days'],
            ),
            object({ every: { const: 'month' }, day: { type: 'integer', minimum: 1, maximum: 31 } }, ['every', 'day']),
          ],
        },
        until: { anyOf: [day, { type: 'null' }] },
      },
      ['event', 'rule'],
    ),
    valid: [
      { event: 'e', rule: { every: 'day' } },
      { event: 'e', rule: { every: 'week', days: ['MO', 'FR'] }, until: '2027-01-01' },
      { event: 'e', rule: { every: 'month', day: 31 }, until: null },
    ],
    invalid: [
      { event: 'e', rule: { every: 'year' } },
      { event: 'e', rule: { every: 'week', days: [] } },
    ],
  },
  {
    name: 'find_free_times',
    description: 'Finds times at which all are free.',
    schema: object(
      {
        people: list({ type: 'string', format: 'email' }, { minItems: 1, maxItems: 50, uniqueItems: true }),
        minutes: { type: 'integer', multipleOf: 5, minimum: 5, maximum: 480 },
        between: { type: 'array', items: instant, minItems: 2, maxItems: 2 },
        working_hours: {
          type: 'array',
          items: [
            { type: 'string', pattern: '^\\d{2}:\\d{2}$' },
            { type: 'string', pattern: '^\\d{2}:\\d{2}$' },
          ],
          additionalItems: false,
        },
      },
      ['people', 'minutes'],
    ),
    valid: [
      { people: ['a@example.com'], minutes: 30 },
      { people: ['a@example.com', 'b@example.com'], minutes: 45, working_hours: ['09:00', '17:00'] },
    ],
    invalid: [
      { people: [], minutes: 30 },
      { people: ['a@example.com'], minutes: 7 },
    ],
  },
  {
    name: 'update_event',
    description: 'Changes an event. What is left out stays; null clears it.',
    schema: object(
      {
        id: text(),
        location: { type: ['string', 'null'], maxLength: 300 },
        description: { type: ['string', 'null'] },
        color: { type: ['integer', 'null'], minimum: 1, maximum: 11 },
        conference: {
          anyOf: [object({ provider: text(), url: { type: 'string', format: 'uri' } }, ['provider']), { type: 'null' }],
        },
      },
      ['id'],
      { minProperties: 2 },
    ),
    valid: [
      { id: 'e', location: null },
      { id: 'e', color: 3, conference: { provider: 'meet', url: 'https://meet.example/x' } },
    ],
    invalid: [{ id: 'e' }, { id: 'e', color: 12 }],
  },
  {
    name: 'book_room',
    description: 'Books a room with equipment.',
    schema: object(
      {
        room: {
          type: 'string',
          enum: Array.from({ length: 60 }, (_, at) => `raum-${String(at + 1).padStart(2, '0')}`),
        },
        from: instant,
        hours: { type: 'number', exclusiveMinimum: 0, maximum: 12 },
        equipment: {
          type: 'object',
          propertyNames: { enum: ['beamer', 'whiteboard', 'phone'] },
          additionalProperties: { type: 'integer', minimum: 0 },
        },
      },
      ['room', 'from', 'hours'],
    ),
    valid: [
      { room: 'raum-01', from: '2026-01-02T10:00:00Z', hours: 1.5 },
      { room: 'raum-60', from: '2026-01-02T10:00:00Z', hours: 2, equipment: { beamer: 1 } },
    ],
    invalid: [
      { room: 'raum-61', from: '2026-01-02T10:00:00Z', hours: 1 },
      { room: 'raum-01', from: '2026-01-02T10:00:00Z', hours: 1, equipment: { sofa: 1 } },
    ],
  },
  {
    name: 'set_availability',
    description: 'Sets opening hours for each day of the week.',
    schema: object(
      {
        timezone: { type: 'string', default: 'UTC' },
        hours: {
          type: 'object',
          patternProperties: {
            '^(mon|tue|wed|thu|fri|sat|sun)$': list(
              { type: 'array', prefixItems: [text(), text()], minItems: 2, maxItems: 2 },
              { maxItems: 3 },
            ),
          },
          additionalProperties: false,
        },
      },
      ['hours'],
    ),
    valid: [
      { hours: {} },
      {
        timezone: 'Asia/Tokyo',
        hours: {
          mon: [
            ['09:00', '12:00'],
            ['13:00', '18:00'],
          ],
          sun: [],
        },
      },
    ],
    invalid: [{ hours: { montag: [] } }, { hours: { mon: [['09:00']] } }],
  },
]
