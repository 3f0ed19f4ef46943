import type { ToolContext } from '@atp/core'
import { type ContextId, ContextIdFactory, type ModuleRef } from '@nestjs/core'
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js'
import type { CallOrigin } from '../http/call-origin.ts'

/**
 * The id under which Nest keeps the providers of a call. For a call by HTTP it is the request's, so that a tool shares
 * request-scoped providers with the guards of its route. Otherwise it is a new one, whose `REQUEST` is the tool's
 * context.
 */
export function callContextId(
  origin: CallOrigin | undefined,
  context: ToolContext,
  moduleRef: ModuleRef,
  isDurable: boolean,
): ContextId {
  if (origin === undefined) {
    const contextId = ContextIdFactory.create()
    moduleRef.registerRequestByContextId(context, contextId)
    return contextId
  }
  const { request } = origin
  const contextId = ContextIdFactory.getByRequest(request)
  // As Nest's router does for the first scoped route that a request comes to.
  if (!(REQUEST_CONTEXT_ID in request)) {
    Object.defineProperty(request, REQUEST_CONTEXT_ID, { value: contextId })
    const provided = isDurable ? contextId.payload : Object.assign(request, contextId.payload)
    moduleRef.registerRequestByContextId(provided, contextId)
  }
  return contextId
}
