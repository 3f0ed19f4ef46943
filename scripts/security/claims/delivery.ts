import type { Claim } from '../claim.ts'

/** Rules D, and W3: how calls reach toolkits that hold no connection, and what must never be lost or run twice. */
export const deliveryClaims: readonly Claim[] = [
  {
    rule: 'D1',
    says:
      'What was acknowledged (projects, keys, registrations, secrets, calls in the inbox and with an idempotency key) is there after `kill -9`, on SQLite and PostgreSQL. ' +
      'Both wait for the disk, PostgreSQL also where it is set not to. A change waits for another process that writes.',
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
    rule: 'D2',
    says:
      'A call in the inbox is delivered at least once, under the same id each time; a server that starts takes up what the ' +
      'last one left. Whoever asks for a lease before it runs a call runs it once, unless it falls silent in between.',
    tests: {
      'packages/server/test/e2e/inbox.test.ts': [
        'a call in the inbox > is handed out again when nobody acked it, and the older lease counts no more',
        'a call in the inbox > is taken up by the next server, once',
      ],
      'packages/server/test/store/contract/durable-lease-cases.ts': [
        'leases of stored calls > count each delivery of a call',
        'released calls > are queued again, and leased before younger ones',
      ],
    },
  },
  {
    rule: 'D3',
    says:
      'A call is leased to one of several pollers, for 30 s, under a new id each time, and renewed while it runs. A toolkit ' +
      'runs it only once its lease was granted, and stops it when the lease is lost. Acks and results under any other lease ' +
      'are refused with `lease_lost`.',
    differs: 'Python toolkits know no leases: what they take counts as running until its deadline.',
    tests: {
      'packages/server/test/e2e/inbox.test.ts': [
        'a call in the inbox > is leased, runs after its ack only, and its result is acknowledged',
        'a call in the inbox > is handed out again when nobody acked it, and the older lease counts no more',
        'a call in the inbox > keeps its lease for as long as it is renewed',
        'a call in the inbox > never leaves for a poll whose client is gone, or that a newer one replaced',
      ],
      'packages/server/test/store/contract/durable-lease-cases.ts': [
        'leases of stored calls > are given for the oldest calls, as many as asked for, each with an id of its own',
        'leases of stored calls > are given to one of several pollers at once',
        'acknowledged leases > are refused where the lease is not the call’s, one by one',
        'acknowledged leases > are refused once the lease has ended',
      ],
      'packages/server/test/store/contract/durable-finish-cases.ts': [
        'outcomes of stored calls > with a lease count only while it is the call’s',
      ],
      'packages/core/test/clients/toolkit-leases.test.ts': [
        'a call with a lease > is asked for and runs only once that is granted; its result names the lease',
        'a call with a lease > does not run when the lease is lost already',
        'a call with a lease > does not run when nothing is said for as long as the lease holds, also if that comes later',
        'a call with a lease > is renewed every third of the lease while it runs',
        'a call with a lease > is cancelled when a renewal is refused, and its result dropped',
        'a call with a lease > that is delivered twice under one lease runs once',
      ],
    },
  },
  {
    rule: 'D4',
    says:
      'A poll is held for 25 s at most. A call waits no longer than its deadline; one that was delivered five times and not ' +
      'acked is a dead letter, and its caller gets `delivery_failed`. An operator may have it delivered anew, once.',
    tests: {
      'packages/server/test/e2e/inbox.test.ts': [
        'a call in the inbox > is a dead letter after five deliveries, and an operator may deliver it again',
        'a call in the inbox > is told of its cancel by the poll that is held',
      ],
      'packages/server/test/store/contract/durable-lease-cases.ts': [
        'leases of stored calls > are not given for calls past their deadline',
      ],
      'packages/server/test/store/contract/durable-finish-cases.ts': [
        'dead letters > are retried once',
        'dead letters > are deleted alone: their outcome stays',
      ],
    },
  },
  {
    rule: 'D5',
    says:
      'When 1,000 calls wait for one toolkit, a further one is answered `queue_full` at once; one for a toolkit that has not ' +
      'polled for a while, `toolkit_offline`.',
    tests: {
      'packages/server/test/e2e/inbox.test.ts': [
        'a call in the inbox > is refused when as many wait as may, and when nobody polled for a while',
      ],
      'packages/server/test/delivery/inbox.test.ts': [
        'an inbox > counts what is being stored, so that a burst is not more than may wait (rule D5)',
      ],
    },
  },
  {
    rule: 'D6',
    says:
      'The first terminal result of a call wins; later ones are acknowledged, dropped and harm nothing. Of stored calls ' +
      'the database keeps one outcome, whoever writes it.',
    tests: {
      'packages/server/test/calls/call.test.ts': ['a call > takes the first outcome only, whatever comes later'],
      'packages/server/test/e2e/calls.test.ts': [
        'a deadline > is kept by the server for a toolkit that never answers, and its late answer is dropped',
      ],
      'packages/server/test/e2e/inbox.test.ts': [
        'a call in the inbox > that ran and fell silent ends as unknown, unless its tool may run twice',
      ],
      'packages/server/test/e2e/resume.test.ts': ['acknowledges results, those that nobody waits for too'],
      'packages/server/test/store/contract/durable-finish-cases.ts': [
        'outcomes of stored calls > are the first one of each call, also within one list',
        'outcomes of stored calls > are one, of many at once',
      ],
      'packages/core/test/transport/pending-requests.test.ts': [
        'PendingRequests > drops the second answer to one request',
        'PendingRequests > drops an answer that comes after the time is over',
      ],
    },
  },
  {
    rule: 'W3',
    says:
      'The routes of an app run a call that a server signed only when the whole signature is right for its bytes, its time is ' +
      'within five minutes, its id was not there before in this process, and it is for this very tool; whatever else the app ' +
      'asks for. Servers sign with each live key of the toolkit, as Standard Webhooks have it, and never send the key.',
    open:
      'Webhooks themselves. Ids are remembered for each process, 100,000 of them, so that a call that was overheard could run ' +
      'again in another one within five minutes. No test measures time.',
    tests: {
      'packages/core/test/http/signed-call.test.ts': [
        'a signed call > needs each of its headers',
        'a signed call > fails for any flipped bit of its body, its id, its time and its signature',
        'a signed call > fails for every single flipped byte of the signature',
        'a signed call > is taken within five minutes of its time, before and after, and not outside of them',
        'a signed call > runs once, also when it comes twice at the same time, until its signature has lost its force',
        'a signed call > runs once in a process, whichever of its mounts it comes to',
        'a signed call > does not run again when its bytes come after its time',
        'a signed call > runs again under its id with a suffix, and under no other id',
        'a signed call > is for the route it names: the toolkit by its own name or by the one it is registered under',
        'which keys a signature is checked with > is none where the toolkit has the key %j, whoever may run tools',
        'which keys a signature is checked with > is any of them: a server sends one signature for each live key',
        'who may run a tool > with %s: only right signatures, and keys where they are asked for',
        'who may run a tool > a signed call runs nothing as %s',
        'what is sent twice or odd > %s: refused',
        'what is sent twice or odd > a signed body with %s: 400',
        'what is sent twice or odd > is for one route, however its path may be written',
      ],
      'packages/core/test/http/seen-ids.test.ts': [
        'knows an id for its time, and takes it again after that',
        'forgets the oldest of too many',
      ],
      'packages/testing/src/routes/behaviours/signed-calls.ts': [
        'signed.wrong: refuses a signed call whose signature does not fit, on mounts that are open to everybody, too',
        'signed.once: takes an id once: the same request again is 409, the same call under a further id runs',
        'signed.not-bearer: asks for the signature even where a right key comes with the call, and never takes a call for arguments',
      ],
      'packages/server/test/delivery/endpoint.test.ts': [
        'a call to an endpoint > is what standardwebhooks verifies, posted below the URL, whose query it keeps',
      ],
      'packages/server/test/delivery/endpoint-signatures.test.ts': [
        'the keys that sign > are all live keys of the toolkit: an app with an older or a newer one takes the call',
        'the keys that sign > are without one that is revoked, from the next call on',
      ],
    },
  },
]
