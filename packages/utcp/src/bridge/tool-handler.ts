import { type ToolContext, ToolError, type ToolHandler } from '@atp/core'
import type { UtcpClient } from '../client/utcp-client.ts'
import { toUtcpError } from '../errors/to-utcp-error.ts'
import type { Tool } from '../model/models.ts'
import { JsonPieces, toJsonResult } from './json-pieces.ts'

/** How the tools of a bridge are called. */
export interface HandlerOptions {
  readonly client: UtcpClient
  /** The client's limit of a call, where the bridge sets one. */
  readonly timeoutMs: number | undefined
  /** Whether callers may see messages of failures. */
  readonly exposeErrors: boolean
  /** Called when the client no longer has the tool as it was. */
  readonly onGone: () => void
}

/** Whether a tool's answer comes in pieces. */
export function isStreaming({ tool_call_template: template }: Tool): boolean {
  const type = template.call_template_type
  return (
    type === 'sse' || type === 'streamable_http' || (type === 'graphql' && template.operation_type === 'subscription')
  )
}

/**
 * The code of a bridged tool: calls it through the client. A caller that cancels, or whose deadline passes, ends the call.
 * Failures become `ToolError`s that keep `retryable` and say `utcp_code`, `status` and more in their details.
 */
export function toHandler(tool: Tool, options: HandlerOptions): ToolHandler {
  const { client, timeoutMs } = options
  const callOptions = ({ signal }: ToolContext): { signal: AbortSignal; timeoutMs?: number } => ({
    signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  if (!isStreaming(tool)) {
    return async (args, context) => {
      try {
        return toJsonResult(await client.callTool(tool.name, args, callOptions(context)))
      } catch (error) {
        throw toFailure(error, tool, context, options)
      }
    }
  }
  return async function* stream(args, context) {
    const pieces = new JsonPieces()
    try {
      for await (const piece of client.callToolStreaming(tool.name, args, callOptions(context))) {
        yield* pieces.next(piece)
      }
      yield* pieces.end()
    } catch (error) {
      throw toFailure(error, tool, context, options)
    }
  }
}

function toFailure(error: unknown, tool: Tool, { signal }: ToolContext, options: HandlerOptions): unknown {
  // The run path knows its own deadline and cancel, and says so in its own words.
  if (signal.aborted) return signal.reason
  const failure = toUtcpError(error, 'call_failed', `The call of "${tool.name}" failed`)
  const { code, message, retryable, status, retryAfterMs, details } = failure
  if (code === 'tool_not_found' || code === 'tool_changed') options.onGone()
  return new ToolError(options.exposeErrors ? message : `The tool failed (${code})`, {
    cause: failure,
    retryable,
    details: {
      utcp_code: code,
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
      ...(options.exposeErrors && details?.issues !== undefined ? { issues: details.issues } : {}),
    },
  })
}
