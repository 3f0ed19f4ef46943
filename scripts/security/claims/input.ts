import type { Claim } from '../claim.ts'

/** Rules I: what peers send. */
export const inputClaims: readonly Claim[] = [
  {
    rule: 'I1',
    says:
      'JSON of peers may be 64 levels deep and have 10,000 members, and none that reaches a prototype, in bodies, ' +
      'frames, forms and parsed bodies alike.',
    differs: 'Results and registrations are limited by their bytes and depth instead of 10,000 members.',
    tests: {
      'packages/core/test/protocol/json.test.ts': [
        'parseJson > refuses members that would reach a prototype, however they are escaped',
        'parseJson > takes 64 levels and refuses 65, in lists and objects',
        'parseJson > takes 10,000 members in all and refuses one more, unless other limits are given',
        'parseJson > throws nothing but AtpError for any text',
      ],
      'packages/core/test/protocol/codec.test.ts': [
        'a frame that cannot be read > hides no member behind __proto__ or constructor.prototype',
        'a frame that cannot be read > is nested a hundred thousand levels deep',
        'a frame that cannot be read > carries more than 10,000 members from a caller',
      ],
      'packages/testing/src/routes/behaviours/json-bodies.ts': [
        'json.depth: takes JSON nested 64 deep, and refuses 65 and 100,000',
        'json.members: takes 10,000 members and refuses 10,001',
        'json.proto: refuses __proto__ at any depth and in any spelling',
      ],
      'packages/testing/src/routes/behaviours/form-bodies.ts': [
        'form.names: takes form fields called constructor like any other, and refuses __proto__',
        'form.members: refuses forms with more than 10,000 values',
      ],
      'packages/testing/src/routes/behaviours/parsed-bodies.ts': [
        'parsed.shape: refuses a parsed body that is too deep, too wide, or has __proto__ or constructor.prototype in it',
      ],
    },
  },
  {
    rule: 'I2',
    says: 'Tool names are 1 to 64 letters, digits, `-` and `_`; `__proto__` and `constructor` behave like any other name.',
    tests: {
      'packages/core/test/protocol/names.test.ts': ['checkToolName > takes %s', 'checkToolName > refuses %j'],
      'packages/core/test/registry/toolkit.test.ts': [
        'Toolkit > treats __proto__ and constructor as names like any other',
      ],
      'packages/core/test/registry/toolkit-registry.test.ts': [
        'createRegistry > treats __proto__ and constructor as names like any other',
      ],
      'packages/testing/src/routes/behaviours/paths.ts': [
        'names.not-inherited: finds no toolkit or tool that only every object has',
      ],
      'packages/server/test/e2e/bad-input.test.ts': ['a call > treats a tool called "constructor" like any other'],
    },
  },
  {
    rule: 'I3',
    says:
      'Paths are decoded once. Dots, encoded slashes, backslashes, NUL and broken escapes get 400 or 404, and lead ' +
      'around no guard of the app.',
    tests: {
      'packages/core/test/http/routes.test.ts': [
        'the table of routes > finds nothing behind the segment %s',
        'the table of routes > decodes once: a name that looks encoded is found by its own encoding only',
        'the table of routes > never throws and never leaves the mount, whatever the path',
      ],
      'packages/testing/src/routes/behaviours/paths.ts': [
        'path.encoded-separators: never takes an encoded slash or backslash for a separator, or for part of a name',
        'path.encoded-nul: never matches a path with an encoded NUL',
        'path.malformed-percent: refuses escapes that are none, or are no UTF-8, as a mistake of the caller',
      ],
      'packages/testing/src/routes/behaviours/raw-paths.ts': [
        'raw.dot-segments: never matches a path with . or .. in it',
        'raw.encoded-dot-segments: never matches a path with an encoded . or .. in it',
        'raw.backslash: never takes a backslash for a slash',
      ],
      'packages/server/test/gateway/http-app.test.ts': [
        'answers an address that cannot be read like any other bad input',
      ],
    },
  },
  {
    rule: 'I4',
    says:
      'A tool’s schema has at most 64 KiB, 32 levels and 200 properties, and refers to nothing outside of itself. That is ' +
      'checked where the tool is defined and again where a server takes it. Core generates no code: schemas are ' +
      'interpreted where the tool runs.',
    tests: {
      'packages/core/test/tool/refused-definitions.test.ts': [
        'refused definitions > takes a schema of 32 levels and refuses 33',
        'refused definitions > takes 200 properties at all levels together and refuses 201',
        'refused definitions > takes a schema of 64 KiB and refuses one byte more, counting UTF-8',
      ],
      'packages/core/test/protocol/tool-descriptor.test.ts': ['fromWireTool > refuses %s'],
      'packages/server/test/e2e/bad-input.test.ts': [
        'a registration > that holds one bad tool takes the others and says what is wrong with it',
      ],
      'packages/server/test/e2e/socket-limits.test.ts': [
        'takes no schema over the limits, whatever the toolkit’s own library lets through',
      ],
      'packages/core/test/boundaries/no-code-generation.test.ts': [
        'the source > generates no code',
        'a process that may not generate code > registers and runs a zod tool and a JSON Schema tool',
      ],
    },
  },
  {
    rule: 'I5',
    says:
      'Search patterns that callers give to the workspace toolkit, and patterns in the schemas of UTCP manuals, run on an ' +
      'engine that does not backtrack.',
    open:
      'A `pattern` in the JSON Schema of a toolkit’s own tool runs on the platform’s engine, in the process of the ' +
      'toolkit whose author wrote it.',
    tests: {
      'packages/utcp/test/execution/linear-patterns.test.ts': [
        'linearPatterns > is done with texts that keep a backtracking engine for years',
      ],
      'packages/core/test/tool/guarded-schema.test.ts': [
        'a schema whose patterns run on another engine > asks that engine only, for texts as for names',
      ],
      'apps/workspace-toolkit/test/text/line-matcher.test.ts': ['compileLinePattern > is done soon with %s'],
      'apps/workspace-toolkit/test/tools/search-text.test.ts': [
        'search_text > is done soon with an expression that takes a backtracking engine for ever',
      ],
    },
  },
  {
    rule: 'I6',
    says:
      'Arguments are validated before the handler runs, and a result is at most 1 MiB of JSON. What a tool returns stays ' +
      'text: on a terminal it is shown without control characters.',
    tests: {
      'packages/core/test/dispatch/arguments.test.ts': [
        'arguments > are refused with the path of each problem when their types are wrong',
        'arguments > are validated by asynchronous schemas before the handler runs',
      ],
      'packages/core/test/dispatch/results.test.ts': [
        'results > of a megabyte pass and of one byte more do not, counted as UTF-8',
      ],
      'packages/server/test/e2e/calls.test.ts': [
        'limits > fail a call whose result is above 1 MiB and keep the toolkit’s socket',
      ],
      'packages/cli/test/commands/call.test.ts': [
        'atp call > never lets text of a tool reach the terminal as control characters',
      ],
    },
  },
  {
    rule: 'I7',
    says:
      'Bad input costs one error with a code and the request’s id, and is never called a fault of the server. Defects ' +
      'are masked: no stack, no SQL, no path.',
    tests: {
      'packages/server/test/gateway/http-app.test.ts': [
        'masks a defect, logs it whole, and answers with the request’s id',
      ],
      'packages/server/test/e2e/fuzz.test.ts': ['answers no generated %s %s with a 5xx'],
      'packages/server/test/e2e/bad-input.test.ts': [
        'a socket > answers each of 1,000 bad frames, ten seconds of a hundred, and still serves the next call',
      ],
      'packages/core/test/errors/to-wire-error.test.ts': ['toWireError > masks anything else as a defect: %s'],
      'packages/testing/src/routes/behaviours/answers.ts': [
        'answers.errors-alike: shapes all errors alike: error, code, request_id, retryable and at most details',
      ],
      'packages/testing/src/routes/behaviours/outcomes.ts': [
        'error.no-stack: shows neither stack nor cause of what a tool throws',
      ],
      'packages/server/test/store/postgres.test.ts': [
        'with PostgreSQL > a connection > replaces what PostgreSQL cannot keep in a text, and finds nothing by it',
      ],
    },
  },
  {
    rule: 'I8',
    says: 'Bodies of the admin routes take the members they name and no others: the server’s own are refused.',
    tests: { 'packages/server/test/e2e/http.test.ts': ['the admin routes > answer %s as an RFC 9457 problem'] },
  },
]
