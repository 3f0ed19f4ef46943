import type { Claim } from '../claim.ts'

/** Rules T: HTTP, WebSockets, server-sent events. */
export const transportClaims: readonly Claim[] = [
  {
    rule: 'T1',
    says:
      'The server gives a request 10 s for its headers and 30 s in all, and takes 100 headers in 16 KiB; thousands of slow ' +
      'senders are gone within 20 s, and others are served. The routes of ' +
      'an app take a body of 1 MiB, which must arrive within 30 s.',
    differs: 'The server takes bodies of 1 MiB + 64 KiB: 1 MiB of arguments and what stands around them.',
    tests: {
      'packages/server/test/gateway/http-app.test.ts': [
        'keeps the time and header limits of rule T1',
        'refuses a header block above 16 KiB',
      ],
      'packages/server/test/gateway/client-errors.test.ts': ['answers a request that does not arrive in time'],
      'packages/server/test/e2e/floods.test.ts': [
        'lets 3,000 sockets go within 20 s that are mute, slow or never say hello, and serves a good peer',
      ],
      'packages/testing/src/routes/behaviours/limits.ts': [
        'limit.one-more: refuses a body of one byte more with 413',
        'limit.endless: refuses a body that goes on above the limit while it is still being sent',
        'limit.chunked: counts the bytes of a chunked body and refuses the first one too many with 413',
      ],
      'packages/core/test/http/node-adapter.test.ts': [
        'the body of a Node request > is given up when it does not arrive',
        'the body of a Node request > is cut off when its sender goes on and on after it was refused',
      ],
      'packages/core/test/http/fetch-handler.test.ts': ['a fetch handler > gives up on a body that does not arrive'],
    },
  },
  {
    rule: 'T2',
    says:
      'A frame that is too large closes its socket with 1009, one that is not UTF-8 with 1007, a message of more than ' +
      '1,024 fragments with 1008; others go on. Nothing is compressed.',
    differs:
      'Toolkits may send 4 MiB, so that a result over its limit fails its call and not the socket; LLM clients 1 MiB + 64 KiB.',
    tests: {
      'packages/server/test/e2e/bad-input.test.ts': [
        'a socket > closes with 1009 on a frame of 5 MiB, and other sockets go on',
        'a socket > closes with 1007 on a text that is not UTF-8',
      ],
      'packages/server/test/e2e/socket-limits.test.ts': [
        'compresses nothing, though the peer offers to',
        'takes a message in 1,024 fragments and closes a peer that sends more',
      ],
      'packages/server/test/e2e/calls.test.ts': [
        'limits > fail a call whose result is above 1 MiB and keep the toolkit’s socket',
      ],
    },
  },
  {
    rule: 'T3',
    says: 'No frame and no text ends the process: what cannot be read is answered, and a peer that sends nothing else is closed.',
    tests: {
      'packages/server/test/e2e/fuzz.test.ts': [
        'answers every request of 10,000 generated frames on the LLM socket',
        'answers every request of 10,000 generated frames on the toolkit socket',
        'survives 10,000 raw texts on %s',
      ],
      'packages/server/test/e2e/bad-input.test.ts': [
        'a socket > answers malformed JSON, binary frames and unknown types, and stays open',
        'a socket > closes a peer that sends nothing but bad frames for long',
      ],
      'packages/core/test/protocol/codec.test.ts': ['junk > never throws, whatever the text'],
    },
  },
  {
    rule: 'T4',
    says:
      'A socket that has shown no key may send one frame of 4 KiB within 5 s; a larger one or none closes it with 4401, anything ' +
      'but a hello closes it as well. There are 64 places ' +
      'for such sockets of one address, and 1,024 in all. A refused handshake is answered a second later.',
    tests: {
      'packages/server/test/e2e/keys.test.ts': [
        'takes one frame from a peer whose key is not checked yet, and refuses it for a second',
        'closes a peer that does not say who it is, with 4401',
      ],
      'packages/server/test/e2e/floods.test.ts': [
        'lets 3,000 sockets go within 20 s that are mute, slow or never say hello, and serves a good peer',
        'keeps few sockets of one address that never say hello, however many try, and serves good keys',
        'survives peers with a wrong key that connect again as soon as they are refused',
      ],
      'packages/server/test/e2e/bad-input.test.ts': [
        'a socket > takes no frame before hello',
        'a socket > takes no more than 4 KiB from a peer that has shown no key',
        'a socket > takes the key in hello from peers that cannot send headers, and closes with 4401 without one',
      ],
      'packages/server/test/e2e/stubborn-peers.test.ts': [
        'keeps nothing of what a peer sends after a hello that is refused',
      ],
      'packages/server/test/gateway/unauthenticated-sockets.test.ts': [
        'gives an address so many places, and others theirs',
        'gives so many places in total',
        'keeps 64 places for an address and 1,024 in total unless told otherwise',
      ],
      'packages/server/test/gateway/handshake-refusal.test.ts': ['answers what is the peer’s own doing a second later'],
    },
  },
  {
    rule: 'T5',
    says: 'The server pings every 25 s, give or take a fifth, and ends a socket that shows no sign of life for 60 s.',
    differs: 'Any inbound frame counts as life, not only a pong.',
    tests: {
      'packages/server/test/gateway/socket-watch.test.ts': [
        'pings every 25 s, give or take a fifth',
        'ends a socket that showed no sign of life for 60 s, and no other',
        'leaves no timer behind',
      ],
      'packages/server/test/e2e/lost-peers.test.ts': [
        'takes a toolkit for offline whose cable was pulled, and tells the callers of what ran there',
        'takes any frame for a sign of life, also from a peer that answers no ping',
      ],
      'packages/core/test/clients/session.test.ts': [
        'an open session > ends when the server shows no sign of life for two heartbeats and a half',
      ],
    },
  },
  {
    rule: 'T6',
    says:
      'Calls to a peer that does not read are answered `busy`, it is closed when more waits for it or when it stays so for ' +
      '30 s, and others go on. It costs the server less than 20 MiB, whatever it makes the server send. A client that takes ' +
      'nothing of a large answer over HTTP for 30 s loses its connection.',
    differs: 'Busy above 4 MiB, closed above 16 MiB of unwritten bytes: results of 1 MiB are common.',
    tests: {
      'packages/server/test/e2e/back-pressure.test.ts': [
        'as a toolkit that is sent calls',
        'as an LLM client that is sent results',
        'as an LLM client that asks for large contexts',
        'as an LLM client whose calls are refused with a few bytes each',
        'as a peer that sends pings',
        'as a toolkit that asks again and again what is registered',
      ],
      'packages/server/test/e2e/calls.test.ts': [
        'limits > answer busy for a toolkit that does not read, close it when it goes on, and harm nobody else',
      ],
      'packages/server/test/gateway/socket-watch.test.ts': [
        'ends a socket that stays congested for 30 s, but not one that catches up',
      ],
      'packages/server/test/gateway/unread-answers.test.ts': [
        'lets a client go that takes nothing of a large answer',
        'takes the time that a call needs for no sign that its client does not read',
      ],
      'packages/core/test/http/node-adapter.test.ts': [
        'an answer on a Node response > is written no faster than the client reads, to its end',
      ],
    },
  },
  {
    rule: 'T7',
    says:
      'Web pages are kept out of the server: an Origin that the operator did not allow gets 403, on sockets and on every ' +
      'request; a server on loopback refuses every Host that is not loopback. No answer allows other origins to read it.',
    tests: {
      'packages/server/test/gateway/small-parts.test.ts': [
        'the origin guard > serves Host %s on loopback',
        'the origin guard > refuses Host %s on loopback',
        'the origin guard > lets only allowed origins in, and any Host on a public bind',
      ],
      'packages/server/test/e2e/bad-input.test.ts': ['a socket > refuses a handshake with %s'],
      'packages/server/test/e2e/web-pages.test.ts': [
        'a Host that is not loopback is refused at %s, with a key or without',
        'a foreign Origin is refused at %s, whatever it is',
        'no answer allows other origins to read it, not even to an origin that may ask',
        'a page of an allowed origin may open a socket, no other one',
      ],
    },
  },
  {
    rule: 'T8',
    says:
      'Sockets, connects and calls in flight are counted for each key, and connects for the server. Above: 429 for a ' +
      'handshake, `busy` for a call. ' +
      'Wrong keys use up nothing of what good keys have.',
    differs: 'The caps are wider than the first list had them: see the table of limits above.',
    tests: {
      'packages/server/test/e2e/calls.test.ts': [
        'limits > answer busy above the calls in flight of a key',
        'limits > refuse the seventeenth toolkit socket and the sixty-fifth LLM socket of a key with 429',
        'limits > refuse a key that connects more than sixty times in ten seconds',
      ],
      'packages/server/test/e2e/stubborn-peers.test.ts': [
        'counts the sockets of a key when they say hello, not only when they connect',
        'serves a good key while others behind the same address knock with wrong ones, and slows those down',
      ],
      'packages/server/test/e2e/socket-limits.test.ts': ['answers 429 with Retry-After above the connects of a second'],
      'packages/server/test/gateway/small-parts.test.ts': [
        'a rate window > lets so many events of a name through in each window, and says how long to wait',
      ],
      'packages/testing/src/routes/behaviours/outcomes.ts': [
        'busy.429: answers 429 with Retry-After while as many calls run as may, and runs the next one afterwards',
      ],
    },
  },
  {
    rule: 'T9',
    says:
      'Streams number their events and send a comment after 15 s of silence. Those of the routes cancel the call when the ' +
      'reader goes away; those of a server go on after `Last-Event-ID` for the key that made the call, and are cancelled when ' +
      'it does not come back.',
    open: 'A stream of the routes of an app that broke off is not continued.',
    tests: {
      'packages/core/test/http/event-stream.test.ts': [
        'a stream of events > sends a comment after 15 s of silence, and again after the next 15 s',
      ],
      'packages/server/test/gateway/llm-calls-http.test.ts': [
        'the events of a call > go on after the one that was read last, and for no other key',
        'the events of a call > are gone for a call that nobody knows',
      ],
      'packages/core/test/clients/http-call-follower.test.ts': [
        'a connection that is lost > after every single event is taken up again each time',
      ],
      'packages/testing/src/routes/behaviours/streams.ts': [
        'stream.events: streams progress, pieces and the result in order, with ids from 1',
        'stream.disconnect: aborts the signal of a generator whose reader goes away',
        'stream.disconnect-ends: ends a generator whose reader goes away, even if it never looks at its signal',
      ],
    },
  },
  {
    rule: 'T10',
    says:
      'Clients wait a random time below min(30 s, 0.5 s × 2^attempt) before they connect again, and count anew after a ' +
      'connection that held for 60 s.',
    tests: {
      'packages/core/test/transport/backoff.test.ts': [
        'backoffDelayMs > waits from 0 to below min(maxMs, baseMs * 2^attempt), whatever the attempt',
        'backoffDelayMs > begins below half a second and never waits longer than 30 seconds by default',
      ],
      'packages/core/test/clients/connection.test.ts': [
        'a connection that fails > tries again with full jitter: random times min(30 s, 0.5 s * 2^attempt)',
        'a connection that loses its session > goes on counting attempts when the session held for less than 60 s, and starts anew when it held',
      ],
    },
  },
  {
    rule: 'T11',
    says:
      'Running a tool is closed by default in every framework. The rules for size, shape and time hold for bodies that ' +
      'the app’s own parser has read, too.',
    tests: {
      'packages/testing/src/routes/behaviours/authorize-keys.ts': [
        'closed.default: lets nobody run tools where no key is known, and names the option that opens them',
        'closed.no-key-is-no-key: takes nothing for the key of a toolkit that has none',
        'keys.missing: refuses a request without a key with 401 and WWW-Authenticate',
      ],
      'packages/testing/src/routes/behaviours/parsed-bodies.ts': [
        'parsed.size: refuses a parsed body above 1 MiB with 413',
        'parsed.shape: refuses a parsed body that is too deep, too wide, or has __proto__ or constructor.prototype in it',
        'parsed.order: checks in the same order behind parsers',
      ],
      'packages/testing/src/routes/behaviours/order.ts': [
        'order.401-before-400: asks who calls before it reads the body',
      ],
      'packages/testing/src/routes/behaviours/raw-paths.ts': [
        "raw.dots-pass-no-guard: never leads around the app's guard by dots",
        'raw.unread-body: never takes the body of a refused request for the next request',
      ],
      'packages/testing/src/routes/behaviours/outcomes.ts': [
        'deadline.504: answers 504 when the deadline passes, and tells the tool',
      ],
    },
  },
]
