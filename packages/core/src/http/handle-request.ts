import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { errorAnswer, headAnswer, jsonAnswer, optionsAnswer } from './answers.ts'
import { authorizeCall, authorizeReading, authorizeSignedCall } from './authorize.ts'
import { describeTool, describeToolkit, describeToolkits } from './describe-toolkits.ts'
import type { AtpRequest, AtpResponse } from './http-messages.ts'
import { type AtpHttpOptions, createMount, loggerOf, type Mount, type ToolkitSource } from './http-options.ts'
import { mountAddress } from './mount-address.ts'
import { toOpenApiDocument } from './open-api.ts'
import { readArguments } from './read-arguments.ts'
import { findRoute, type Route } from './routes.ts'
import { runCall } from './run-call.ts'
import { isSignedCall, readSignedCall } from './signed-call.ts'
import { toUtcpManual } from './utcp-manual.ts'

/**
 * Answers requests to the routes of a mount. Undefined at once means that the path belongs to the app; the promise
 * never rejects.
 */
export type AtpHandler<Native = unknown> = (request: AtpRequest<Native>) => Promise<AtpResponse> | undefined

/**
 * Makes the handler that an adapter calls for each request.
 * @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict`
 */
export function createAtpHandler<Native = unknown>(
  source: ToolkitSource,
  options: AtpHttpOptions<Native> = {},
): AtpHandler<Native> {
  const mount = createMount(source, options)
  return (request) => handleAtpRequest(mount, request)
}

/**
 * Answers one request. In order: unknown toolkit, unknown tool, method, key, content type and size, body, then the run
 * path's own checks.
 */
export function handleAtpRequest<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
): Promise<AtpResponse> | undefined {
  const route = findRoute(request.path, mount.registry, mount.utcpPath)
  return route === undefined ? undefined : answer(mount, request, route)
}

async function answer<Native>(mount: Mount<Native>, request: AtpRequest<Native>, route: Route): Promise<AtpResponse> {
  const requestId = request.id ?? crypto.randomUUID()
  const allow = route.kind === 'tool' ? 'GET, HEAD, OPTIONS, POST' : 'GET, HEAD, OPTIONS'
  try {
    if (route.kind === 'unknown_toolkit') throw new AtpError('toolkit_not_found', 'Toolkit not found')
    if (route.kind === 'unknown_tool') throw new AtpError('tool_not_found', 'Tool not found')
    if (route.kind === 'nothing') throw new AtpError('not_found', 'Not found')
    switch (request.method) {
      case 'POST':
        if (route.kind !== 'tool') break
        return await call(mount, request, route, requestId)
      case 'GET':
        return await read(mount, request, route)
      case 'HEAD':
        return headAnswer(await read(mount, request, route))
      case 'OPTIONS':
        return optionsAnswer(allow)
    }
    throw new AtpError('method_not_allowed', `Method ${request.method} is not allowed here; use one of ${allow}`)
  } catch (error) {
    const failed = errorAnswer(error, requestId, allow)
    if (failed.status === 500) {
      loggerOf(mount, 'toolkit' in route ? route.toolkit : undefined).error('request.failed', {
        requestId,
        error: errorText(error),
      })
    }
    return request.method === 'HEAD' ? headAnswer(failed) : failed
  }
}

async function call<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
  route: Extract<Route, { kind: 'tool' }>,
  requestId: string,
): Promise<AtpResponse> {
  const { toolkit, tool } = route
  if (isSignedCall(request)) return await runSigned(mount, request, route)
  const permitted = authorizeCall(mount, request, toolkit, tool)
  const principal = permitted instanceof Promise ? await permitted : permitted
  const read = readArguments(request, tool)
  const { args, authToken } = read instanceof Promise ? await read : read
  return await runCall(mount, request, { toolkit, tool, args, authToken, principal, requestId })
}

async function runSigned<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
  route: Extract<Route, { kind: 'tool' }>,
): Promise<AtpResponse> {
  const { toolkit, tool } = route
  const principal = await authorizeSignedCall(mount, request, tool)
  const { callId, params, authToken, deadlineMs, stream, meta = {} } = await readSignedCall(mount, request, route)
  return await runCall(mount, request, {
    ...{ toolkit, tool, args: params, authToken, principal, requestId: callId },
    ...{ timeoutMs: deadlineMs, stream, meta },
  })
}

type Readable = Exclude<Route, { kind: 'unknown_toolkit' | 'unknown_tool' | 'nothing' }>

async function read<Native>(mount: Mount<Native>, request: AtpRequest<Native>, route: Readable): Promise<AtpResponse> {
  await authorizeReading(mount, request, route.kind === 'tool' ? route.tool : undefined)
  return jsonAnswer(JSON.stringify(describe(mount, request, route)))
}

function describe<Native>(mount: Mount<Native>, request: AtpRequest<Native>, route: Readable): unknown {
  switch (route.kind) {
    case 'toolkits':
      return describeToolkits(mount.registry)
    case 'toolkit':
      return describeToolkit(route.name, route.toolkit)
    case 'tool':
      return describeTool(route.tool)
    case 'manual':
      return toUtcpManual(mount.registry, manualOptions(mount, request))
    case 'openapi':
      return toOpenApiDocument(mount.registry, { ...manualOptions(mount, request), title: mount.title })
    default:
      return route satisfies never
  }
}

function manualOptions<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
): { baseUrl: string; version: string; closed: boolean } {
  return { baseUrl: mountAddress(mount, request), version: mount.version, closed: mount.authorize !== 'public' }
}
