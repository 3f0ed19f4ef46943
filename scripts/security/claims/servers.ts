import type { Claim } from '../claim.ts'

/** Rules N and L: databases, what several processes share, and what is logged. */
export const serverClaims: readonly Claim[] = [
  {
    rule: 'N4',
    says: 'What parts of a server tell each other on the bus are ids.',
    open: 'NATS, its subjects and its credentials come with several servers on a bus.',
    tests: {
      'packages/server/test/keys/revocation-watch.test.ts': [
        'tells of keys that another process revoked within five seconds, by their ids alone',
      ],
    },
  },
  {
    rule: 'N8',
    says:
      'While PostgreSQL refuses or hangs, what needs it fails with 503 within 2 s, calls between connected clients go on, ' +
      'and all works again within 5 s of its return. Nothing acknowledged is lost.',
    tests: {
      'packages/server/test/e2e/database-outage.test.ts': [
        'a database that is gone > while it %s, all that needs it fails within 2 s, calls go on, and all is well within 5 s of its return',
        'a database that is gone > costs a moment only when its connections are cut, however often',
        'a database that is gone > and that another server took over meanwhile ends the first one, and sends its clients away',
      ],
      'packages/server/test/calls/call-log.test.ts': [
        'keeps rows while the store is unavailable, and writes them in order when it is back',
      ],
    },
  },
  {
    rule: 'N9',
    says:
      'Of processes that start together on one database one migrates, the others wait. A second server on one database ' +
      'or data folder is refused.',
    tests: {
      'packages/server/test/store/postgres.test.ts': [
        'with PostgreSQL > a schema > is made once by processes that open it together: one makes it, the others wait',
        'with PostgreSQL > a database of a server > is refused to a second server, which says why',
      ],
      'packages/server/test/store/sqlite.test.ts': [
        'SQLite data folder > is made once by processes that open it at the same time',
        'SQLite data folder of a server > is refused to a second server, and named',
      ],
    },
  },
  {
    rule: 'L1',
    says:
      'Members called like secrets lose their value at any depth of a log line, keys and credentials are taken out of ' +
      'every text, addresses lose their query. Of a request the route’s pattern is logged. Errors of tools are logged ' +
      'by name and id, without their text.',
    tests: {
      'packages/server/test/logging/pino-logger.test.ts': [
        'rule L1 > keeps a member called %s out, at any depth and in any container',
        'rule L1 > keeps a key out wherever in a text it stands, in names too',
        'rule L1 > keeps an OAuth code out, and the codes of errors in',
        'rule L1 > never throws and never leaks, whatever the fields are',
      ],
      'packages/server/test/logging/redact-text.test.ts': [
        'takes %s out of a text',
        'cuts what is long, and leaves no piece of a secret at the cut',
        'a member > called %s is a secret',
      ],
      'packages/server/test/gateway/http-app.test.ts': ['logs the route’s pattern, never the address'],
      'packages/server/test/vault/master-keys.test.ts': [
        'tells nothing of a key in its errors, and shows none when it is printed',
      ],
      'packages/server/test/store/postgres.test.ts': [
        'with PostgreSQL > tells nobody the password, whatever is logged or printed',
      ],
      'packages/core/test/dispatch/invoke-tool.test.ts': [
        'errors of handlers > are logged by name and id, without their text',
      ],
    },
  },
  {
    rule: 'L2',
    says:
      'A run with a secret of its own in every field that takes text, at debug level, with defects, crashes and kills: ' +
      'none of them is found in logs, in answers to others than their owners, in data files or tables.',
    open: 'Metrics and traces, of which there are none. Backups are copies of what was searched.',
    tests: {
      'packages/server/test/e2e/canary.test.ts': [
        'a canary run > finds no secret in logs, answers and files with SQLite',
        'a canary run > finds no secret in logs, answers and tables with PostgreSQL',
        'the detector of a canary run > finds a secret as %s',
      ],
      'packages/server/test/keys/endpoint-secret.test.ts': [
        'is kept by a server for its toolkit keys, with nothing in clear in its files and logs',
      ],
      'packages/server/test/vault/vault.test.ts': [
        'leaves no secret and no key in clear in the files, the errors or itself',
      ],
    },
  },
  {
    rule: 'L3',
    says: 'A log line is one line of JSON, whatever line breaks and control characters are in what it tells.',
    tests: {
      'packages/server/test/logging/pino-logger.test.ts': [
        'rule L3 > keeps %j of input inside its line, in values and in names',
        'rule L3 > does not let a field take the place of the event',
      ],
      'packages/server/test/logging/redact-text.test.ts': [
        'replaces control characters that would reach a terminal as they are',
      ],
      'packages/core/test/protocol/names.test.ts': ['checkAppName > refuses %j without printing control characters'],
    },
  },
]
