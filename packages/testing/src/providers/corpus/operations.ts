import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

const cron = { type: 'string', pattern: '^(\\S+\\s){4}\\S+$', examples: ['0 3 * * *'] }

/** Tools after build services, clouds and monitors. */
export const operations: readonly CorpusTool[] = [
  {
    name: 'trigger_workflow',
    description: 'Starts a workflow.',
    schema: object(
      {
        repository: { type: 'string', pattern: '^[\\w.-]+/[\\w.-]+$' },
        workflow: { type: ['string', 'integer'] },
        ref: { type: 'string', default: 'main' },
        inputs: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 10, default: {} },
      },
      ['repository', 'workflow'],
    ),
    valid: [
      { repository: 'a/b', workflow: 5 },
      { repository: 'a/b', workflow: 'ci.yml', ref: 'x', inputs: { debug: 'true' } },
    ],
    invalid: [
      { repository: 'ab', workflow: 5 },
      { repository: 'a/b', workflow: 5, inputs: { debug: true } },
    ],
  },
  {
    name: 'write_pipeline',
    description: 'Writes a pipeline of jobs, each with its steps.',
    schema: object(
      {
        on: {
          anyOf: [
            oneOfTexts('push', 'pull_request'),
            list(oneOfTexts('push', 'pull_request'), { minItems: 1 }),
            object({ schedule: list(object({ cron }, ['cron'])) }, ['schedule']),
          ],
        },
        jobs: {
          type: 'object',
          minProperties: 1,
          additionalProperties: object(
            {
              needs: list(text()),
              steps: list(
                {
                  oneOf: [
                    object({ run: text(), shell: oneOfTexts('bash', 'sh') }, ['run'], { additionalProperties: false }),
                    object(
                      {
                        uses: text(),
                        with: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
                      },
                      ['uses'],
                      { additionalProperties: false },
                    ),
                  ],
                },
                { minItems: 1 },
              ),
            },
            ['steps'],
            { additionalProperties: false },
          ),
        },
      },
      ['on', 'jobs'],
    ),
    valid: [
      { on: 'push', jobs: { test: { steps: [{ run: 'npm test' }] } } },
      {
        on: { schedule: [{ cron: '0 3 * * *' }] },
        jobs: {
          a: { steps: [{ uses: 'x', with: { depth: 0 } }] },
          b: { needs: ['a'], steps: [{ run: 'y', shell: 'sh' }] },
        },
      },
    ],
    invalid: [
      { on: 'push', jobs: {} },
      { on: 'push', jobs: { a: { steps: [{ run: 'x', uses: 'y' }] } } },
    ],
  },
  {
    name: 'query_metrics',
    description: 'Reads time series.',
    schema: object(
      {
        query: text(),
        start: {
          anyOf: [
            { type: 'string', format: 'date-time' },
            { type: 'number' },
            { type: 'string', pattern: '^now(-\\d+[smhd])?$' },
          ],
        },
        step: { type: 'string', pattern: '^\\d+[smhd]$', default: '1m' },
        legend: { type: 'string', deprecated: true },
      },
      ['query', 'start'],
    ),
    valid: [
      { query: 'up', start: 'now-1h' },
      { query: 'up', start: 1_800_000_000.5, step: '5m' },
    ],
    invalid: [
      { query: 'up', start: 'yesterday' },
      { query: 'up', start: 'now', step: '5' },
    ],
  },
  {
    name: 'create_alert',
    description: 'Raises an alert when a condition holds.',
    schema: object(
      {
        name: text(),
        threshold: { type: 'number', minimum: 0, exclusiveMaximum: 100 },
        severity: { type: 'integer', enum: [1, 2, 3] },
        notify: list({ type: 'string', format: 'uri' }, { minItems: 1 }),
        silence: { not: { const: 'always' }, type: 'string' },
      },
      ['name', 'threshold', 'severity'],
    ),
    valid: [
      { name: 'n', threshold: 0, severity: 1 },
      { name: 'n', threshold: 99.5, severity: 3, notify: ['https://hooks.example/x'], silence: 'nights' },
    ],
    invalid: [
      { name: 'n', threshold: 100, severity: 1 },
      { name: 'n', threshold: 5, severity: 4 },
      { name: 'n', threshold: 5, severity: 1, silence: 'always' },
    ],
  },
  {
    name: 'deploy',
    description: 'Deploys a container.',
    schema: {
      ...object(
        {
          image: { type: 'string', pattern: '^[a-z0-9./_-]+(:[\\w.-]+)?(@sha256:[a-f0-9]{64})?$' },
          env: { type: 'object', propertyNames: { pattern: '^[A-Z_][A-Z0-9_]*$' }, additionalProperties: text() },
          resources: { allOf: [{ $ref: '#/$defs/Resources' }], description: 'What it may use' },
          ports: list({ type: 'integer', minimum: 1, maximum: 65_535 }, { uniqueItems: true }),
          replicas: { type: 'integer', minimum: 0, default: 1 },
        },
        ['image'],
      ),
      $defs: {
        Resources: object(
          { cpu: { type: 'string', pattern: '^\\d+m?$' }, memory: { type: 'string', pattern: '^\\d+(Mi|Gi)$' } },
          [],
          { additionalProperties: false },
        ),
      },
    },
    valid: [
      { image: 'nginx' },
      { image: 'r/app:1.2', env: { PORT: '80' }, resources: { cpu: '500m' }, ports: [80], replicas: 2 },
    ],
    invalid: [{ image: 'NGINX' }, { image: 'a', env: { port: '1' } }, { image: 'a', ports: [80, 80] }],
  },
  {
    name: 'run_command',
    description: 'Runs a command in a sandbox.',
    schema: object(
      {
        argv: list(text(), { minItems: 1 }),
        stdin: text(),
        timeout_ms: { type: 'integer', minimum: 1, maximum: 600_000, default: 30_000 },
      },
      ['argv'],
      { dependencies: { stdin: ['timeout_ms'] } },
    ),
    valid: [{ argv: ['ls'] }, { argv: ['cat'], stdin: 'x', timeout_ms: 5 }],
    invalid: [{ argv: [] }, { argv: ['cat'], timeout_ms: 0 }],
  },
  {
    name: 'no_arguments',
    description: 'Tells whether all is well.',
    schema: { type: 'object', additionalProperties: false },
    valid: [{}, {}],
    invalid: [{ verbose: true }],
  },
  {
    name: 'review_diff',
    description: 'Comments on lines of a change.',
    schema: object(
      {
        verdict: {
          oneOf: [
            { const: 'approve', description: 'Fine as it is' },
            { const: 'request_changes', description: 'Must be better' },
            { const: 'comment' },
          ],
        },
        comments: list(
          object(
            {
              path: text(),
              line: { type: 'integer', minimum: 1 },
              side: { ...oneOfTexts('LEFT', 'RIGHT'), default: 'RIGHT' },
              suggestion: { type: ['string', 'null'], default: null },
            },
            ['path', 'line'],
          ),
        ),
      },
      ['verdict'],
    ),
    valid: [
      { verdict: 'approve' },
      { verdict: 'comment', comments: [{ path: 'a', line: 1, side: 'LEFT', suggestion: null }] },
    ],
    invalid: [{ verdict: 'maybe' }, { verdict: 'comment', comments: [{ path: 'a', line: 0 }] }],
  },
]
