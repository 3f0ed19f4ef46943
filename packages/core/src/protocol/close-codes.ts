/** Why a socket was closed: RFC 6455 section 7.4.1, and ours from 4400 on. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  unsupportedData: 1003,
  tooBig: 1009,
  internalError: 1011,
  /** The server restarts: connect again. */
  serviceRestart: 1012,
  /** The server or this connection is overloaded: connect again later. */
  tryAgainLater: 1013,
  /** The peer keeps sending frames that cannot be read. */
  protocolError: 4400,
  /** The key is missing, unknown, revoked or expired. */
  unauthorized: 4401,
  /** The key may not be used here, such as an LLM key on the toolkit socket. */
  forbidden: 4403,
  /** The key stands for another toolkit; or, with the reason `superseded`, a newer socket of this instance took over. */
  conflict: 4409,
} as const
