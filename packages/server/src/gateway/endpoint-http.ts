import { AtpError } from '@atp/core'
import { firstIssues } from '@atp/core/protocol'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { toolkitNotFound } from '../calls/call-request.ts'
import { adminPrefix } from './error-answer.ts'
import { keyOf, type RouteAccess } from './route-access.ts'
import { type EndpointOptions, setEndpoint } from './set-endpoint.ts'

const admin: { config: { access: RouteAccess } } = { config: { access: { kind: 'admin' } } }

const endpointBody = z.strictObject({ url: z.string().nullable() })

/**
 * `PUT /api/v2/toolkits/:id/endpoint`: sets the URL that the calls of a toolkit of an admin key's project are posted to,
 * or takes it away with `null`. Doing it twice changes nothing.
 */
export function registerEndpointHttp(app: FastifyInstance, options: EndpointOptions): void {
  app.put<{ Params: { id: string } }>(`${adminPrefix}/toolkits/:id/endpoint`, admin, async (request) => {
    const { projectId } = keyOf(request)
    const { url } = readBody(request.body)
    const toolkit = await options.store.toolkits.resolve(projectId, request.params.id)
    if (!toolkit) throw toolkitNotFound(request.params.id)
    const changed = await setEndpoint(options, toolkit, url)
    if (!changed) throw toolkitNotFound(request.params.id)
    return { id: changed.id, name: changed.appName, slug: changed.slug, endpoint_url: changed.endpointUrl }
  })
}

function readBody(body: unknown): { url: string | null } {
  const read = endpointBody.safeParse(body)
  if (read.success) return read.data
  throw new AtpError('invalid_request', `The body cannot be read: ${firstIssues(read.error)}`)
}
