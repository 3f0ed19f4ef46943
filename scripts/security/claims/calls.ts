import type { Claim } from '../claim.ts'

/** Rules X, S and D: calls, start and end of a server, what must never be lost. */
export const callClaims: readonly Claim[] = [
  {
    rule: 'X1',
    says:
      'A call has one deadline: 120 s unless the tool or the caller says otherwise, 600 s at most, on a clock that only ' +
      'goes forward. Progress does not move it.',
    tests: {
      'packages/core/test/dispatch/deadline.test.ts': [
        'effectiveTimeoutMs > of a tool with %s and a caller with %s is %s',
        'the deadline > is not moved by progress',
        'the deadline > ends a handler that never returns after two minutes when nobody says otherwise',
      ],
      'packages/server/test/calls/call.test.ts': ['a call > keeps its deadline on a monotonic clock'],
      'packages/server/test/e2e/calls.test.ts': [
        'a deadline > of the caller ends the call and tells the toolkit',
        'a deadline > is kept by the server for a toolkit that never answers, and its late answer is dropped',
      ],
    },
  },
  {
    rule: 'X2',
    says: 'A call has exactly one outcome, also when its toolkit is killed or the server shuts down.',
    tests: {
      'packages/server/test/calls/call.test.ts': [
        'a call > takes the first outcome only, whatever comes later',
        'a call > that fails with %s ends as %s',
      ],
      'packages/server/test/e2e/calls.test.ts': [
        'shutting down > ends calls that outlast the grace, each with its one outcome',
      ],
      'packages/server/test/e2e/kill.test.ts': [
        'tells the caller at once when a toolkit is killed during its call, with an unknown outcome',
      ],
      'packages/server/test/e2e/fuzz.test.ts': ['ends the call when a toolkit answers it with any junk'],
    },
  },
  {
    rule: 'X3',
    says: 'A cancel reaches the tool’s signal; one of an unknown or finished call changes nothing.',
    tests: {
      'packages/server/test/e2e/calls.test.ts': [
        'cancelling > by the caller’s signal reaches the tool’s signal, and the log says cancelled',
        'cancelling > happens when the caller’s socket is gone',
        'cancelling > happens when an HTTP caller hangs up',
        'cancelling > of an unknown or finished request changes nothing',
      ],
    },
  },
  {
    rule: 'X5',
    says:
      'When a toolkit is lost, only calls that never left and calls of idempotent tools go to another process of it; the ' +
      'caller of any other hears ' +
      '`toolkit_disconnected`, and nothing else runs twice. One call is sent three times at most.',
    tests: {
      'packages/server/test/e2e/kill.test.ts': [
        'tells the caller at once when a toolkit is killed during its call, with an unknown outcome',
        'gives an idempotent call of a killed toolkit to another process of the same toolkit',
      ],
      'packages/server/test/e2e/lost-peers.test.ts': [
        'sends calls to another process that never left for one which does not read, and none twice',
        'sends a call of an idempotent tool as often as the operator allows: %i times',
      ],
      'packages/server/test/e2e/stubborn-peers.test.ts': [
        'tells the caller soon when a toolkit closes but keeps its connection',
      ],
    },
  },
  {
    rule: 'S1',
    says:
      'On SIGTERM and SIGINT a server is not ready any more, takes no calls, lets running ones end, closes its sockets ' +
      'with 1012 and exits with 0. What hangs is ended.',
    tests: {
      'packages/server/test/run-process.test.ts': [
        '%s ends the process in order, with code 0',
        'ends with code 1 when stopping does not work (%s)',
      ],
      'packages/server/test/e2e/calls.test.ts': [
        'shutting down > refuses new calls, lets running ones end, tells both peers, and closes with 1012',
      ],
      'packages/server/test/e2e/stubborn-peers.test.ts': [
        'shuts down beside connections that are refused, silent or half a request',
      ],
      'packages/cli/test/commands/server.test.ts': [
        'atp server > tells when it is ready, serves, and ends with 0 on SIGTERM',
      ],
    },
  },
  {
    rule: 'S3',
    says: 'A defect that nobody caught is logged, and the process ends in order with code 1.',
    tests: {
      'packages/server/test/run-process.test.ts': [
        'a defect that nobody caught (%s) ends it in order, with code 1',
        'ends with code 1 when stopping does not work (%s)',
      ],
    },
  },
  {
    rule: 'S4',
    says: '`/healthz` asks nothing but the process; `/readyz` is 503 while it shuts down or its database is gone.',
    tests: {
      'packages/server/test/e2e/http.test.ts': ['answers /healthz and /readyz'],
      'packages/server/test/e2e/calls.test.ts': [
        'shutting down > refuses new calls, lets running ones end, tells both peers, and closes with 1012',
      ],
      'packages/server/test/e2e/database-outage.test.ts': [
        'a database that is gone > while it %s, all that needs it fails within 2 s, calls go on, and all is well within 5 s of its return',
      ],
    },
  },
  {
    rule: 'D1',
    says:
      'What was acknowledged (projects, keys, registrations, secrets) is there after `kill -9`, on SQLite and PostgreSQL. ' +
      'Both wait for the disk, PostgreSQL also where it is set not to. A change waits for another process that writes.',
    open: 'The inbox.',
    tests: {
      'packages/server/test/e2e/kill-under-writes.test.ts': [
        'a server that is killed under writes, again and again, loses nothing acknowledged > on SQLite',
        'a server that is killed under writes, again and again, loses nothing acknowledged > with PostgreSQL > on PostgreSQL',
      ],
      'packages/server/test/store/sqlite.test.ts': [
        'SQLite data folder of a server > has lost nothing acknowledged when the server is killed while it writes',
      ],
      'packages/server/test/store/postgres.test.ts': [
        'with PostgreSQL > a connection > commits to the disk also where the database is set not to',
      ],
      'packages/server/test/store/sqlite/durability.test.ts': [
        'waits for the disk before it acknowledges, except in the call log',
      ],
      'packages/server/test/store/sqlite/busy.test.ts': ['does what was asked as soon as the other connection lets go'],
    },
  },
  {
    rule: 'D6',
    says: 'The first terminal result of a call wins; later ones are dropped and harm nothing.',
    open: 'Results of polled calls come with the inbox.',
    tests: {
      'packages/server/test/calls/call.test.ts': ['a call > takes the first outcome only, whatever comes later'],
      'packages/server/test/e2e/calls.test.ts': [
        'a deadline > is kept by the server for a toolkit that never answers, and its late answer is dropped',
      ],
      'packages/core/test/transport/pending-requests.test.ts': [
        'PendingRequests > drops the second answer to one request',
        'PendingRequests > drops an answer that comes after the time is over',
      ],
    },
  },
]
