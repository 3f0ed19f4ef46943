import type { FastifyInstance } from 'fastify'
import { toolkitNotFound } from '../calls/call-request.ts'
import type { Store } from '../store/store.ts'
import { adminPrefix } from './error-answer.ts'
import { keyOf, type RouteAccess } from './route-access.ts'

const admin: { config: { access: RouteAccess } } = { config: { access: { kind: 'admin' } } }

/**
 * `PUT` and `DELETE /api/v2/toolkits/:id/publication`: shows a toolkit of an admin key's project to all projects in the
 * store, or hides it again. Doing it twice changes nothing.
 */
export function registerPublishHttp(app: FastifyInstance, { store }: { store: Pick<Store, 'toolkits'> }): void {
  app.route<{ Params: { id: string } }>({
    method: ['PUT', 'DELETE'],
    url: `${adminPrefix}/toolkits/:id/publication`,
    ...admin,
    async handler(request) {
      const { projectId } = keyOf(request)
      const toolkit = await store.toolkits.resolve(projectId, request.params.id)
      if (!toolkit) throw toolkitNotFound(request.params.id)
      const publishedAt = request.method === 'PUT' ? (toolkit.publishedAt ?? Date.now()) : null
      const changed = await store.toolkits.publish(projectId, toolkit.id, publishedAt)
      if (!changed) throw toolkitNotFound(request.params.id)
      return { id: changed.id, name: changed.appName, slug: changed.slug, published_at: changed.publishedAt }
    },
  })
}
