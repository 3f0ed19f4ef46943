import type { Claim } from '../claim.ts'

/** Rules E, and what other families ask of outbound requests. */
export const egressClaims: readonly Claim[] = [
  {
    rule: 'E1',
    says:
      '@atp/egress makes all outbound connections of the packages. Everything else that could connect is found in the ' +
      'source and must stand in a list of exceptions with its reason.',
    tests: {
      'scripts/test/outbound.test.ts': [
        'outbound connections > are made by @atp/egress alone, apart from the exceptions above',
        'outbound connections > are still made by the exception %s',
        'findOutbound > finds %s',
      ],
    },
  },
  {
    rule: 'E2',
    says:
      'Only https, and http to loopback or to listed targets where the operator opened that. No user name or password in ' +
      'a URL. Hosts are compared as they are parsed.',
    tests: {
      'packages/egress/test/ssrf-corpus.test.ts': [
        'every URL of the corpus > $url ($why) is refused by name of the rule, without a connection',
      ],
      'packages/egress/test/allow-targets.test.ts': [
        'a listed target > is open, and nothing near it is',
        'a listed target > is open without TLS only where the list says so',
        'allowLoopbackHttp > opens nothing else',
      ],
      'packages/egress/test/guarded-connect.test.ts': ['a socket > is refused %j, which is not a host'],
    },
  },
  {
    rule: 'E3',
    says:
      'Every address of a target must be public, whatever form it is written in: a corpus of more than 60 URLs reaches ' +
      'a listener that waits for it not once.',
    tests: {
      'packages/egress/test/ssrf-corpus.test.ts': [
        'every URL of the corpus > is one of at least sixty, none of them twice',
        'every URL of the corpus > $url ($why) is refused by name of the rule, without a connection',
        'every URL of the corpus > %j is refused to a socket, too',
        'the canary would have been heard',
      ],
      'packages/egress/test/address-rules.test.ts': [
        'isPublicAddress > agrees with the list of IANA on any IPv4 address',
        'isPublicAddress > lets no IPv6 address pass outside 2000::/3',
      ],
      'packages/egress/test/private-forms.test.ts': [
        'no text form of a private address > passes as the host of an $scheme URL',
        'no text form of a private address > passes as the host of a socket, or as the answer of a name server',
      ],
      'packages/egress/test/rebinding.test.ts': [
        'refuses a name with one bad address among good ones, wherever it stands',
      ],
    },
  },
  {
    rule: 'E4',
    says: 'The address that was checked is the one connected to, for every socket anew, whatever a name server says next.',
    tests: {
      'packages/egress/test/rebinding.test.ts': [
        'connects to the very address that was checked, however the name server answers next',
        'asks and checks again for every socket',
      ],
      'packages/egress/test/private-forms.test.ts': [
        'no text form of a private address > passes as an IPv6 host of a URL',
      ],
    },
  },
  {
    rule: 'E5',
    says:
      'At most 5 redirects, each checked like a first request. A hop to another origin loses credentials, cookies, the ' +
      'caller’s query keys and the body.',
    tests: {
      'packages/egress/test/redirects.test.ts': [
        'a redirect > is followed five times, never six',
        'method and body > go to another origin without the body by status %i',
        'credentials > never reach another origin; the rest does',
        'credentials > of another port are credentials of another origin',
        'credentials > in the query of the caller are not handed on by a server that repeats them',
        'the operator’s own targets > are closed to redirects from public origins',
      ],
      'packages/egress/test/ssrf-corpus.test.ts': [
        'every redirect of the corpus > $why ($last) is refused by name of the rule',
      ],
    },
  },
  {
    rule: 'E6',
    says: '5 s to connect, 30 s in all with every redirect and the body, 5 MiB of body after decompression.',
    tests: {
      'packages/egress/test/limits.test.ts': [
        'a body > of 64 MiB packed with $coding into little is given up at 5 MiB',
        'a body > may have exactly as many bytes as are allowed, and not one more',
        'a body > that unpacks to nothing, endlessly, is given up by what arrives',
        'time > that a server takes to answer is limited: $what, $limit ms',
        'time > covers the body, however steadily it drips',
        'time > covers all hops of a redirect together',
        'time > to begin TLS is limited to the same 5 s',
      ],
      'packages/egress/test/guarded-connect.test.ts': ['time > to connect is limited to 5 s'],
    },
  },
  {
    rule: 'E7',
    says: 'A private target opens by the exact `host:port` in an option of the code that makes the guard, and by nothing else.',
    tests: {
      'packages/egress/test/allow-targets.test.ts': [
        'a listed target > is open, and nothing near it is',
        'a listed target > is an exact host:port, which %j is not',
        'a listed target > is open to sockets, too',
      ],
    },
  },
  {
    rule: 'O10',
    says: 'The fetch for token, revocation and discovery URLs obeys the rules above, follows no redirect, and takes 10 s and 1 MiB.',
    open: 'The OAuth broker that uses it.',
    tests: {
      'packages/egress/test/limits.test.ts': [
        'the fetch for OAuth > takes no more than 1 MiB',
        'the fetch for OAuth > follows no redirect, even to itself and when asked to %s',
        'the fetch for OAuth > obeys the rules of every other fetch',
        'time > that a server takes to answer is limited: $what, $limit ms',
      ],
    },
  },
  {
    rule: 'C9',
    says: 'An outbound request with CR, LF or NUL in the name or value of a header is not sent.',
    tests: { 'packages/egress/test/guarded-fetch.test.ts': ['a request > with $what is not sent'] },
  },
]
