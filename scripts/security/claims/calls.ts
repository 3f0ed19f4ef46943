import type { Claim } from '../claim.ts'

/** Rules X and S: calls, start and end of a server. */
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
    rule: 'X4',
    says:
      'A call with an idempotency key of up to 255 characters runs once: the same again, within a day, gets the stored ' +
      'answer, another one with the same key 422, and one that still runs 409. Keys are apart for each project, API key and ' +
      'end user; of keys and users the database has hashes. What never ran may run later.',
    tests: {
      'packages/server/test/e2e/stored-calls.test.ts': [
        `a call with an idempotency key over \${protocol} > runs once, however often it is made, and gives the same answer`,
        `a call with an idempotency key over \${protocol} > is refused where its key was used for something else`,
        `a call with an idempotency key over \${protocol} > is another one for another user, and for another key of the project`,
        `a call with an idempotency key over \${protocol} > gives the error of its tool again, and runs again after what never ran`,
        'keeps the answers of stored calls across a restart',
        'takes the idempotency key of the header, quoted or not, for the one of the body',
      ],
      'packages/server/test/store/contract/durable-insert-cases.ts': [
        'idempotency claims > give the second of two calls the first one, with its fingerprint',
        'idempotency claims > are given to one of many callers at once',
        'idempotency claims > count as absent once they expired',
        'idempotency claims > are apart for each project, key and user, whatever the user is called',
      ],
      'packages/server/test/store/contract/durable-finish-cases.ts': [
        'outcomes of stored calls > of calls that did not run free their idempotency key',
      ],
      'packages/server/test/calls/idempotency.test.ts': [
        'an idempotency key > is refused while its call runs, which is named',
        'an idempotency key > has 1 to 255 characters',
      ],
      'packages/server/test/calls/stored-secrets.test.ts': [
        'a stored call > leaves nothing in clear of what it asks, of its user and token, its idempotency key and its outcome',
      ],
      'packages/core/test/clients/retrying-llm-door.test.ts': [
        'a call with an idempotency key > is not sent again to a server that would run it twice',
        'a call without an idempotency key > is never sent twice',
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
    rule: 'X6',
    says:
      'A UTCP client tries again at most one in ten of its calls, and a server at most one in ten of its calls to ' +
      'endpoints, beyond the first ten retries in ten seconds.',
    differs: 'The first ten are free, so that a client of few calls has any.',
    open: 'A lost call of an idempotent tool goes to another process a few times at most; of these no share is counted.',
    tests: {
      'packages/utcp/test/client/call.test.ts': [
        'retries > are one in ten calls at most, beyond the first ten in ten seconds',
        'retries > never repeat what may not be repeated, nor what will not help',
      ],
      'packages/server/test/delivery/endpoint.test.ts': [
        'an endpoint that cannot be reached > is asked less when the budget of repetitions is used up',
      ],
    },
  },
  {
    rule: 'X7',
    says:
      'Beside a toolkit that reads nothing or floods the server, calls to others take no longer, at the 99th percentile, ' +
      'than twice their time before or a second, whichever is more.',
    open: 'The second is for small machines that do other things; `npm run test:faults` allows 40 ms.',
    tests: { 'apps/faults/test/faults/smoke.test.ts': ['every rule is kept > under $name: $summary'] },
  },
  {
    rule: 'X8',
    says: 'Of two connections of one instance of a toolkit the older one is closed with 4409, and its calls go to the newer.',
    open: 'Instances that connect to different servers come with the bus.',
    tests: {
      'packages/server/test/e2e/resume.test.ts': [
        'closes the older one of two connections of one process, and gives its calls to the newer',
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
]
