import { Cancellation } from '../dispatch/cancel-signal.ts'
import { type InvokeOptions, type InvokeOutcome, invokeTool } from '../dispatch/invoke-tool.ts'
import { AtpError } from '../errors/atp-error.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import type { Principal, Tool } from '../tool/tool.ts'
import { errorJson, jsonAnswer, wireErrorAnswer } from './answers.ts'
import { EventStream } from './event-stream.ts'
import type { AtpRequest, AtpResponse } from './http-messages.ts'
import type { Mount } from './http-options.ts'

/** A call that may run. */
export interface PermittedCall {
  toolkit: Toolkit
  tool: Tool
  args: unknown
  authToken: string | undefined
  principal: Principal | undefined
  requestId: string
  /** How long its caller waits, in milliseconds. */
  timeoutMs?: number | undefined
  /** Whether the answer is to be events, whatever the headers say. */
  stream?: boolean | undefined
  /** The `_meta` that came with it; undefined where a call cannot have one. */
  meta?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Runs a call and answers with its outcome, as one JSON text or as events where the request asks for them.
 * @throws AtpError `busy`
 */
export async function runCall<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
  call: PermittedCall,
): Promise<AtpResponse> {
  const streams = call.stream === true || wantsEvents(request.header('accept'))
  const env = mount.env === undefined ? call.toolkit.settings.env : mount.env(request.native)
  const release = mount.slots.take()
  if (release === undefined) {
    throw new AtpError('busy', `${mount.maxConcurrency} calls run here already; send the call again later`)
  }
  const options = invokeOptions(mount, request, call, env, release)
  if (streams) return streamCall(call, options)
  return toAnswer(await invokeTool(call.tool, call.args, options), call.requestId)
}

function invokeOptions<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
  call: PermittedCall,
  env: unknown,
  release: () => void,
): InvokeOptions {
  const settings = call.toolkit.settings
  const tracing = mount.tracing ?? settings.tracing
  return {
    callId: call.requestId,
    authToken: call.authToken ?? call.principal?.authToken,
    timeoutMs: call.timeoutMs,
    signal: request.signal,
    onHandlerEnd: release,
    logger: mount.logger ?? settings.logger,
    env,
    principal: call.principal,
    exposeErrors: settings.exposeErrors,
    tracing,
    toolkit: call.toolkit.appName,
    meta: tracing && traceMeta(request, call),
  }
}

/**
 * Where the trace of a call goes on: in what a server sent along, else where the request's headers say. Undefined where
 * neither says anything: then with what is active, such as the span of a framework that is traced itself.
 */
function traceMeta<Native>(request: AtpRequest<Native>, { meta }: PermittedCall): InvokeOptions['meta'] {
  if (meta !== undefined && Object.keys(meta).length > 0) return meta
  const traceparent = request.header('traceparent')
  if (traceparent === undefined) return undefined
  return { traceparent, tracestate: request.header('tracestate'), baggage: request.header('baggage') }
}

/** Whether a client asked for events by their name; with a quality of zero it refuses them (RFC 9110, 12.4.2). */
function wantsEvents(accept: string | undefined): boolean {
  if (accept === undefined || accept === '*/*') return false
  return accept
    .toLowerCase()
    .split(',')
    .some((range) => {
      const [type = '', ...parameters] = range.split(';')
      return type.trim() === 'text/event-stream' && !parameters.some((each) => /^q=0(\.0*)?$/.test(each.trim()))
    })
}

function toAnswer(outcome: InvokeOutcome, requestId: string): AtpResponse {
  return outcome.ok ? jsonAnswer(resultJson(outcome.json)) : wireErrorAnswer(outcome.error, requestId)
}

function resultJson(json: string): string {
  return `{"result":${json}}`
}

/**
 * A call that is refused before its tool runs answers its plain status; from then on, 200 is said and the outcome is
 * the last event.
 */
async function streamCall(call: PermittedCall, options: InvokeOptions): Promise<AtpResponse> {
  const cancellation = new Cancellation()
  const { signal } = options
  const onAbort = (): void => cancellation.cancel(signal?.reason)
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
  const events = new EventStream(() => cancellation.cancel('The reader is gone'))
  let markStarted = (): void => {}
  const started = new Promise<undefined>((resolve) => {
    markStarted = () => resolve(undefined)
  })
  const running = invokeTool(call.tool, call.args, {
    ...options,
    signal: cancellation,
    onHandlerStart: markStarted,
    onChunk: (value) => events.send('chunk', JSON.stringify(value)),
    onProgress: (value) => sendProgress(events, value),
  })
  const finished = running.then((outcome) => {
    signal?.removeEventListener('abort', onAbort)
    if (outcome.ok) void events.send('result', resultJson(outcome.json))
    else void events.send('error', errorJson(outcome.error, call.requestId))
    events.end()
    return outcome
  })
  const refused = await Promise.race([started, finished])
  if (refused !== undefined) return toAnswer(refused, call.requestId)
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      // Proxies and compressors would hold events back.
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
    body: events,
  }
}

/** Progress is news, not the outcome: what cannot be written as JSON is left out rather than failing the tool. */
function sendProgress(events: EventStream, value: unknown): void {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch {
    return
  }
  void events.send('progress', json ?? 'null')
}
