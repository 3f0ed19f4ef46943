/**
 * Every code of a {@link UtcpError} and whether the same request may succeed when it is sent again. An error may say
 * otherwise of itself.
 */
export const utcpErrorCodes = {
  // What was written down is wrong; `path` names the member.
  invalid_config: { retryable: false },
  invalid_manual: { retryable: false },
  invalid_call_template: { retryable: false },
  unknown_call_template_type: { retryable: false },
  unknown_type: { retryable: false },
  variable_not_found: { retryable: false },
  // The client refuses.
  manual_exists: { retryable: false },
  manual_not_found: { retryable: false },
  tool_not_found: { retryable: false },
  tool_changed: { retryable: false },
  protocol_not_allowed: { retryable: false },
  invalid_arguments: { retryable: false },
  invalid_schema: { retryable: false },
  busy: { retryable: true },
  client_closed: { retryable: false },
  unsupported: { retryable: false },
  // The call, or a discovery, failed.
  call_failed: { retryable: false },
  http_error: { retryable: false },
  connection_failed: { retryable: true },
  egress_refused: { retryable: false },
  timeout: { retryable: true },
  cancelled: { retryable: false },
  invalid_response: { retryable: false },
  response_too_large: { retryable: false },
  invalid_result: { retryable: false },
  post_processing_failed: { retryable: false },
  repository_failed: { retryable: false },
  protocol_close_failed: { retryable: false },
} as const

/** A stable name for one kind of failure of UTCP. */
export type UtcpErrorCode = keyof typeof utcpErrorCodes
