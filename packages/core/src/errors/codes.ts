/**
 * Every error code of ATP: its HTTP status and whether the same request may succeed when sent again.
 * `docs/errors.md` explains each one; a test fails when a code is missing there.
 */
export const errorCodes = {
  // The request itself is wrong.
  invalid_request: { status: 400, retryable: false },
  invalid_json: { status: 400, retryable: false },
  invalid_name: { status: 400, retryable: false },
  invalid_schema: { status: 400, retryable: false },
  invalid_params: { status: 400, retryable: false },
  missing_params: { status: 400, retryable: false },
  missing_token: { status: 400, retryable: false },
  unknown_provider: { status: 400, retryable: false },
  unsupported: { status: 400, retryable: false },
  payload_too_large: { status: 413, retryable: false },
  unsupported_media_type: { status: 415, retryable: false },
  method_not_allowed: { status: 405, retryable: false },
  // The caller may not do this.
  unauthorized: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  // The named thing is not there, or is there twice.
  not_found: { status: 404, retryable: false },
  toolkit_not_found: { status: 404, retryable: false },
  tool_not_found: { status: 404, retryable: false },
  duplicate_tool: { status: 409, retryable: false },
  duplicate_request_id: { status: 409, retryable: false },
  gone: { status: 410, retryable: false },
  idempotency_mismatch: { status: 422, retryable: false },
  idempotency_in_progress: { status: 409, retryable: true },
  lease_lost: { status: 409, retryable: false },
  toolkit_name_conflict: { status: 409, retryable: false },
  registration_rejected: { status: 400, retryable: false },
  // The tool ran, or should have run.
  tool_error: { status: 400, retryable: false },
  invalid_result: { status: 500, retryable: false },
  result_too_large: { status: 500, retryable: false },
  deadline_exceeded: { status: 504, retryable: true },
  cancelled: { status: 499, retryable: false },
  busy: { status: 429, retryable: true },
  rate_limited: { status: 429, retryable: true },
  toolkit_offline: { status: 503, retryable: true },
  toolkit_disconnected: { status: 502, retryable: false },
  outcome_unknown: { status: 502, retryable: false },
  delivery_failed: { status: 502, retryable: true },
  queue_full: { status: 429, retryable: true },
  egress_refused: { status: 502, retryable: false },
  upstream_timeout: { status: 504, retryable: true },
  upstream_failed: { status: 502, retryable: true },
  server_shutting_down: { status: 503, retryable: true },
  store_unavailable: { status: 503, retryable: true },
  vault_unreadable: { status: 500, retryable: false },
  internal_error: { status: 500, retryable: false },
  // Seen by a client of ours, never sent by a server.
  connection_failed: { status: 503, retryable: true },
  connection_closed: { status: 503, retryable: true },
  client_stopped: { status: 503, retryable: false },
  protocol_error: { status: 502, retryable: false },
  // A server that cannot start.
  port_in_use: { status: 500, retryable: false },
  data_folder_unusable: { status: 500, retryable: false },
  data_folder_in_use: { status: 500, retryable: false },
  database_unusable: { status: 500, retryable: false },
  database_in_use: { status: 500, retryable: false },
  database_too_new: { status: 500, retryable: false },
  invalid_config: { status: 500, retryable: false },
} as const

/** A stable, documented name for one kind of failure. */
export type ErrorCode = keyof typeof errorCodes

/** Whether a text received from a peer is one of our codes. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code)
}
