/** What one server takes from its peers. Every value can be overridden; tests check the defaults. */
export interface ServerLimits {
  /** Calls under way for one key; more are answered `busy`. */
  callsInFlightPerKey: number
  /** Toolkit sockets of one key. */
  toolkitSocketsPerKey: number
  /** LLM sockets of one key. */
  llmSocketsPerKey: number
  /** New sockets of one key within ten seconds. */
  connectsPerKeyPer10s: number
  /** New sockets of this server within one second. */
  connectsPerSecond: number
  /** The largest frame and request body of an LLM client, in bytes. */
  llmFrameBytes: number
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
  /** Unreadable frames of one socket within ten seconds before it is closed; each is answered until then. */
  badFramesPer10s: number
}

export const defaultLimits: ServerLimits = {
  callsInFlightPerKey: 1_024,
  toolkitSocketsPerKey: 16,
  llmSocketsPerKey: 64,
  connectsPerKeyPer10s: 60,
  connectsPerSecond: 200,
  llmFrameBytes: 1_048_576 + 65_536,
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
  badFramesPer10s: 2_000,
}
