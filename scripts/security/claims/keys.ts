import type { Claim } from '../claim.ts'

/** Rules K: API keys. */
export const keyClaims: readonly Claim[] = [
  {
    rule: 'K1',
    says:
      'A key is `atp_<kind>_`, 32 random bytes in base62 and a checksum of 6 characters. What has a wrong checksum is ' +
      'refused without asking the database.',
    tests: {
      'packages/server/test/keys/key-format.test.ts': [
        'a key of kind %s > is atp_<kind>_, 43 characters of secret and 6 of checksum',
        'never gives the same key twice',
        'refuses a key of which any one character was changed',
        'refuses a key of which two neighbours changed places',
        'refuses any other text',
      ],
      'packages/server/test/keys/key-service.test.ts': [
        'checking a key > does not ask the store about a text with a wrong checksum',
      ],
    },
  },
  {
    rule: 'K2',
    says: 'Of a key only its SHA-256 is stored. The key itself is shown once, when it is made.',
    tests: {
      'packages/server/test/keys/key-format.test.ts': ['hashes to SHA-256 in hex'],
      'packages/server/test/keys/key-service.test.ts': ['making a key > gives the key once, and keeps only its hash'],
      'packages/server/test/create-server.test.ts': ['keeps no key in clear in its databases'],
      'packages/server/test/e2e/http.test.ts': [
        'the admin routes > make, list and revoke keys; the key itself is shown once',
      ],
      'packages/cli/test/commands/keys.test.ts': ['atp keys through a server > lists keys without the keys'],
    },
  },
  {
    rule: 'K3',
    says:
      'A malformed, unknown, revoked or expired key gets one and the same error, and the routes of an app answer every ' +
      'wrong key in the same words. The stored hash is compared once more after the look-up.',
    open: 'That the comparison takes constant time is in the code (`timingSafeEqual`); no test measures time.',
    tests: {
      'packages/server/test/keys/key-service.test.ts': [
        'checking a key > refuses malformed, unknown, revoked and expired keys with one and the same error',
        'checking a key > tells nothing of the kind of a revoked key',
        'checking a key > refuses a key whose stored hash is another one',
      ],
      'packages/testing/src/routes/behaviours/authorize-keys.ts': [
        'keys.one-answer: answers all wrong keys in the same words',
      ],
    },
  },
  {
    rule: 'K4',
    says:
      'A key belongs to one project, is of one kind (toolkit, llm, admin) and may expire. On a door of another kind it ' +
      'gets 403, on a toolkit that is not its own a refusal that names both.',
    open: 'Scopes within a kind come with the OAuth broker.',
    tests: {
      'packages/server/test/keys/key-service.test.ts': [
        'checking a key > says of a valid key of the wrong kind which kind is needed and which it is',
        'checking a key > serves a key until the millisecond it expires',
      ],
      'packages/server/test/e2e/bad-input.test.ts': [
        'a key > of the wrong kind is refused with the kind that is needed',
        'a key > that expires ends the sockets it opened',
        'a key > of one toolkit is refused for another app name, which names both',
      ],
      'packages/server/test/e2e/http.test.ts': ['the admin routes > take admin keys only'],
      'packages/testing/src/routes/behaviours/authorize-keys.ts': [
        "own.not-of-another: refuses one toolkit's key for another toolkit",
      ],
    },
  },
  {
    rule: 'K5',
    says:
      'Revoking a key closes its sockets with 4401 and refuses it from then on; what a closing socket still sends is not ' +
      'served. Its polls, calls and streams over HTTP end as well. One that another process revoked in the same database is ' +
      'closed within 5 s, and not taken any more after one. A key that expires ends all that, too; expiry is looked at each ' +
      'time a key is shown.',
    open:
      'Several nodes come with the bus. A process whose clock is more than 5 s slow and that revokes a key in the same ' +
      'database does not close its sockets; the key is refused all the same.',
    tests: {
      'packages/server/test/e2e/keys.test.ts': [
        'closes the toolkit’s socket with 4401 when its key is revoked, and tells the callers of what ran there',
        'closes the caller’s socket with 4401 when its key is revoked, and cancels what it called',
      ],
      'packages/server/test/keys/revocation-watch.test.ts': [
        'tells of keys that another process revoked within five seconds, by their ids alone',
        'does not miss one that a process with a slow clock revoked',
        'closes the sockets of a key that another process revokes in the data of a running server',
      ],
      'packages/server/test/gateway/requests-of-keys.test.ts': [
        'a key that is revoked > ends the poll of its toolkit, which gets no call any more',
        'a key that is revoked > ends what its caller waits for over HTTP, and cancels the call',
        'a key that expires ends the poll of its toolkit',
      ],
      'packages/server/test/delivery/inbox.test.ts': ['a poll > of a revoked key ends, and its toolkit is offline'],
      'packages/server/test/keys/key-service.test.ts': [
        'a key that was checked a moment ago > is not looked up again, and its expiry is checked each time',
        'a key that was checked a moment ago > is refused at once when it is revoked here, also while the store is being asked for it',
        'a key that was checked a moment ago > is refused a second after another process revoked it, though nobody tells, and at once where somebody does',
        'a key that was checked a moment ago > stands for a toolkit from the moment it was bound to it',
      ],
      'packages/server/test/keys/recent-keys.test.ts': [
        'counts from the moment the store was asked, however long it took',
        'does not remember what the store answered before a key was revoked',
      ],
      'packages/server/test/e2e/bad-input.test.ts': [
        'a key > that is revoked ends the sockets it opened, and their clients stop trying',
        'a key > that expires ends the sockets it opened',
      ],
      'packages/server/test/e2e/stubborn-peers.test.ts': [
        'serves no call of a revoked key whose socket ignores the close, and ends that socket',
        'finds every socket of a revoked key, also after one that closed during its welcome',
      ],
      'packages/cli/test/commands/keys.test.ts': ['atp keys through a server > revokes a key at once'],
    },
  },
  {
    rule: 'K6',
    says:
      'Keys travel in `Authorization`. The routes that older clients need take one from the address or from a body of ' +
      'limited size as well, only where that header is missing; the operator can turn that off. What is logged is the ' +
      'pattern of a route, never its address.',
    tests: {
      'packages/server/test/e2e/legacy-off.test.ts': [
        'takes keys from addresses and bodies for the Python SDK, and not where the operator turned that off',
      ],
      'packages/server/test/e2e/keys.test.ts': [
        'shows no key in logs, answers and close reasons, wherever a peer puts it',
      ],
      'packages/server/test/gateway/route-access.test.ts': [
        'a route that needs a key > refuses a wrong key before any of the body has arrived',
        'a key in the address > is checked before the body, and is nothing beside an Authorization header',
        'a key in the body > is taken where there is no Authorization header',
        'a key in the body > may stand in a small body only; with a header the body may be as large as elsewhere',
        'refuses a route that does not say who may use it',
      ],
      'packages/server/test/compat/unit/registration.test.ts': [
        'takes from strangers no more than 64 KiB of a body, unless it is a registration',
      ],
      'packages/server/test/gateway/http-app.test.ts': ['logs the route’s pattern, never the address'],
      'packages/testing/src/routes/behaviours/authorize-keys.ts': [
        'keys.only-bearer: looks for the key nowhere but in Authorization: Bearer',
      ],
      'packages/core/test/clients/http-llm-door.test.ts': [
        'calls over HTTP > go to the founding route with the key in the header, and nowhere else',
      ],
      'packages/core/test/clients/session.test.ts': [
        'openSession > puts the key into hello only where no header carries it',
      ],
    },
  },
  {
    rule: 'K7',
    says:
      'Ten wrong keys of one address in a minute are answered 401, further ones 429 with `Retry-After`, on sockets and ' +
      'HTTP alike. An IPv6 address counts with its /64, a proxy only where the operator trusts it for the address behind it.',
    differs: 'A good key from the same address is served all the while, since many people can share one.',
    tests: {
      'packages/server/test/e2e/keys.test.ts': [
        'counts wrong keys of an address over HTTP, handshakes and hello together, and answers further ones with 429',
        'counts what trusted proxies say, and believes nobody else',
      ],
      'packages/server/test/gateway/key-guard.test.ts': [
        'answers ten wrong keys of an address in a minute as wrong, and further ones with when to come back',
        'serves a good key of an address that showed any number of wrong ones',
        'counts each address for itself',
        'counts addresses together that it has no room for, and still those it knows apart',
      ],
      'packages/server/test/gateway/peer-address.test.ts': [
        'what counts as one address > %s is %s',
        'the address of a request > is the remote one, whatever the peer claims',
        'the address of a request > is what trusted proxies say, up to the first address that is none of theirs',
      ],
      'packages/server/test/e2e/stubborn-peers.test.ts': [
        'serves a good key while others behind the same address knock with wrong ones, and slows those down',
      ],
    },
  },
  {
    rule: 'K8',
    says:
      'Every query of the database is bound to a project. The id of another project’s key, toolkit, call or secret ' +
      'behaves exactly like one that is not there. So does a call for every key but the one that made it, and for every ' +
      'toolkit but its own.',
    tests: {
      'packages/server/test/store/contract/key-cases.ts': [
        'keys > treats a key of another project like one that is not there',
        'keys > binds neither a toolkit of another project, nor a key of another kind, nor a key that is not there',
      ],
      'packages/server/test/store/contract/toolkit-cases.ts': [
        'toolkits > treats a toolkit of another project like one that is not there',
        'toolkits > lets two projects use one name and one slug',
      ],
      'packages/server/test/store/contract/call-cases.ts': [
        'calls > treats a call of another project like one that is not there',
      ],
      'packages/server/test/store/contract/vault-cases.ts': [
        'data keys > treats a key of another project like one that is not there',
        'secrets > treats a secret of another project like one that is not there',
      ],
      'packages/server/test/keys/key-service.test.ts': [
        'revoking a key > treats a key of another project like one that is not there',
      ],
      'packages/server/test/e2e/tenants.test.ts': [
        'the admin routes > answer for %s of another project as for one that is not there',
        'the admin routes > list no %s of another project',
        'a caller > finds no toolkit of another project by name or id, over %s',
      ],
      'packages/server/test/e2e/stored-calls.test.ts': [
        `a detached call over \${protocol} > is missing for every other key`,
      ],
      'packages/server/test/calls/call-queries.test.ts': [
        'asking for a call > finds nothing for another key, of the project or of another one, running or ended (rule K8)',
      ],
      'packages/server/test/delivery/inbox.test.ts': [
        'a lease > of another toolkit or process is nobody’s: not for parts, acks, results or errors',
      ],
      'packages/server/test/e2e/resume.test.ts': ['gives a call of another toolkit to nobody who asks for it'],
      'packages/server/test/gateway/llm-calls-http.test.ts': [
        'the events of a call > go on after the one that was read last, and for no other key',
      ],
      'packages/server/test/gateway/metrics-http.test.ts': [
        '/metrics > shows nothing to the admin of another project, as it names the toolkits of all',
      ],
      'packages/server/test/store/contract/durable-insert-cases.ts': [
        'stored calls > of another project are like calls that are not there',
      ],
      'packages/server/test/calls/toolkit-directory.test.ts': [
        'never answers one project with what it remembers of another',
      ],
    },
  },
]
