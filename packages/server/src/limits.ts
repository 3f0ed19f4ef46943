/** What one server takes from its peers. Every value can be overridden; tests check the defaults. */
export interface ServerLimits {
  /** Calls under way for one key; more are answered `busy`. */
  callsInFlightPerKey: number
  /** What the calls under way for one key may keep in memory, in characters of their requests; more are answered `busy`. */
  requestCharsPerKey: number
  /** How often one call is sent at most: a call of an idempotent tool whose process is lost goes to another one. */
  dispatchAttempts: number
  /** Toolkit sockets of one key. */
  toolkitSocketsPerKey: number
  /** LLM sockets of one key. */
  llmSocketsPerKey: number
  /** New sockets of one key within ten seconds. */
  connectsPerKeyPer10s: number
  /** New sockets of this server within one second: so many that showed a key in the handshake, and as many without. */
  connectsPerSecond: number
  /** New sockets within ten seconds that come from one address and show no key in the handshake. */
  keylessConnectsPerAddressPer10s: number
  /** Open sockets that have not shown a key yet. */
  unauthenticatedSockets: number
  /** The same for one address; an IPv6 address counts with its /64. */
  unauthenticatedSocketsPerAddress: number
  /** Wrong keys from one address within a minute that are answered 401; more are answered 429. */
  failedKeysPerMinute: number
  /** How long a peer waits that is refused in the handshake for something of its own doing, in milliseconds. */
  refusalDelayMs: number
  /** Refused peers that wait at once; more are answered without delay. */
  refusalsWaiting: number
  /** The largest frame and request body of an LLM client, in bytes. */
  llmFrameBytes: number
  /**
   * The largest request body that has to bring its key itself; a registration, which brings the source text of its tool,
   * may have `llmFrameBytes`, in bytes.
   */
  keylessBodyBytes: number
  /** The largest frame of a toolkit, in bytes. */
  toolkitFrameBytes: number
  /** The largest result of a call, in bytes of JSON. */
  resultBytes: number
  /** Unwritten bytes of a socket above which new calls on it are answered `busy`. */
  bufferedBusyBytes: number
  /** Unwritten bytes of a socket above which it is closed. */
  bufferedCloseBytes: number
  /** How long a socket may stay above `bufferedBusyBytes`, in milliseconds. */
  stuckMs: number
  /** Time between two pings, give or take a fifth, in milliseconds. */
  heartbeatMs: number
  /** A socket that shows no sign of life for this long is ended, in milliseconds. */
  livenessMs: number
  /** How long the first frame may take, in milliseconds. */
  helloTimeoutMs: number
  /** The largest first frame of a socket that has not shown a key yet, in bytes. */
  helloBytes: number
  /** How long a tool that no process serves is kept while its toolkit is connected, in milliseconds. */
  staleToolMs: number
  /** Registrations of one key within ten seconds; more wait for their turn. */
  registrationsPerKeyPer10s: number
  /** Registrations of one socket that wait, in characters; more are refused. */
  waitingRegistrationChars: number
  /** Calls that wait for one toolkit that polls; more are answered `queue_full`. */
  inboxCallsPerToolkit: number
  /** How long a polling toolkit may hold a call without a word, in milliseconds. */
  leaseMs: number
  /** Calls at once to the endpoint of one toolkit; more are answered `busy`. */
  endpointCallsPerToolkit: number
  /** How often a call is handed out to toolkits that poll before it is given up. */
  inboxDeliveries: number
  /** How long after its last poll a toolkit counts as online, in milliseconds. */
  inboxOnlineMs: number
  /** How long a poll of a Python toolkit is held, in milliseconds. */
  legacyInboxWaitMs: number
  /** How long the calls of a lost toolkit connection wait for the same process to come back, in milliseconds. */
  resumeMs: number
  /** How long the calls of an earlier server wait for the process that had them, in milliseconds. */
  restoreMs: number
  /** How long the events of a stream are kept for a caller that lost its connection, in milliseconds. */
  streamKeepMs: number
  /** Calls that wait for one process of a Python toolkit, which runs one at a time; more are answered `busy`. */
  legacyCallsPerProcess: number
  /** Unreadable frames of one socket within ten seconds before it is closed; each is answered until then. */
  badFramesPer10s: number
}

export const defaultLimits: ServerLimits = {
  callsInFlightPerKey: 1_024,
  requestCharsPerKey: 64 * 1_048_576,
  dispatchAttempts: 3,
  toolkitSocketsPerKey: 16,
  llmSocketsPerKey: 64,
  connectsPerKeyPer10s: 60,
  connectsPerSecond: 200,
  keylessConnectsPerAddressPer10s: 120,
  unauthenticatedSockets: 1_024,
  unauthenticatedSocketsPerAddress: 64,
  failedKeysPerMinute: 10,
  refusalDelayMs: 1_000,
  refusalsWaiting: 1_024,
  llmFrameBytes: 1_048_576 + 65_536,
  keylessBodyBytes: 65_536,
  toolkitFrameBytes: 4 * 1_048_576,
  resultBytes: 1_048_576,
  bufferedBusyBytes: 4 * 1_048_576,
  bufferedCloseBytes: 16 * 1_048_576,
  stuckMs: 30_000,
  heartbeatMs: 25_000,
  livenessMs: 60_000,
  helloTimeoutMs: 5_000,
  helloBytes: 4_096,
  staleToolMs: 60_000,
  registrationsPerKeyPer10s: 120,
  waitingRegistrationChars: 8 * 1_048_576,
  inboxCallsPerToolkit: 1_000,
  leaseMs: 30_000,
  endpointCallsPerToolkit: 64,
  inboxDeliveries: 5,
  inboxOnlineMs: 70_000,
  legacyInboxWaitMs: 20_000,
  resumeMs: 4_000,
  restoreMs: 15_000,
  streamKeepMs: 30_000,
  legacyCallsPerProcess: 256,
  badFramesPer10s: 2_000,
}
