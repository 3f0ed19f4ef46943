import { AtpError } from '@atp/core'
import { firstIssues, isAppName, toWireTool } from '@atp/core/protocol'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { toolkitNotFound } from '../calls/call-request.ts'
import type { SocketDelivery } from '../delivery/socket.ts'
import type { KeyService } from '../keys/key-service.ts'
import type { Store, StoredKey, StoredToolkit } from '../store/store.ts'
import { adminPrefix } from './error-answer.ts'
import { keyOf, type RouteAccess } from './route-access.ts'

/** What the admin routes need. */
export interface AdminHttpOptions {
  store: Store
  keys: KeyService
  delivery: SocketDelivery
}

const newKeyBody = z.strictObject({
  kind: z.enum(['toolkit', 'llm', 'admin']),
  name: z.string().refine(isAppName, 'must be 1 to 128 characters without control characters').optional(),
  expires_at: z.int().positive().optional(),
})

type WithId = { Params: { id: string } }

const admin: { config: { access: RouteAccess } } = { config: { access: { kind: 'admin' } } }

/** `/api/v2/…`: keys, toolkits and tools of an admin key's project. */
export function registerAdminHttp(app: FastifyInstance, options: AdminHttpOptions): void {
  const { store, keys, delivery } = options

  app.get(`${adminPrefix}/keys`, admin, async (request) => {
    const { projectId } = keyOf(request)
    return { keys: (await keys.list(projectId)).map(wireKey) }
  })

  app.post(`${adminPrefix}/keys`, admin, async (request, reply) => {
    const { projectId } = keyOf(request)
    const { kind, name, expires_at } = read(newKeyBody, request.body, 'The body')
    const created = await keys.create({
      projectId,
      kind,
      ...(name === undefined ? {} : { name }),
      ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
    })
    return reply.code(201).send({ id: created.id, kind: created.kind, name: created.name, key: created.key })
  })

  app.delete<WithId>(`${adminPrefix}/keys/:id`, admin, async (request) => {
    const { projectId } = keyOf(request)
    return wireKey(await keys.revoke(projectId, request.params.id))
  })

  app.get(`${adminPrefix}/toolkits`, admin, async (request) => {
    const { projectId } = keyOf(request)
    const counts = await store.toolkits.toolCounts(projectId)
    const toolkits = await store.toolkits.list(projectId)
    return {
      toolkits: toolkits.map((toolkit) => ({
        ...wireToolkit(toolkit, delivery),
        tool_count: counts.get(toolkit.id) ?? 0,
      })),
    }
  })

  app.get<WithId>(`${adminPrefix}/toolkits/:id`, admin, async (request) => {
    const { projectId } = keyOf(request)
    const toolkit = await toolkitOf(projectId, request.params.id)
    const tools = await store.toolkits.tools(projectId, toolkit.id)
    return { ...wireToolkit(toolkit, delivery), tools: tools.map(toWireTool) }
  })

  app.get<WithId>(`${adminPrefix}/toolkits/:id/tools`, admin, async (request) => {
    const { projectId } = keyOf(request)
    const toolkit = await toolkitOf(projectId, request.params.id)
    return { tools: (await store.toolkits.tools(projectId, toolkit.id)).map(toWireTool) }
  })

  async function toolkitOf(projectId: string, idOrName: string): Promise<StoredToolkit> {
    const toolkit = await store.toolkits.resolve(projectId, idOrName)
    if (!toolkit) throw toolkitNotFound(idOrName)
    return toolkit
  }
}

function wireKey(key: StoredKey): Record<string, unknown> {
  return {
    id: key.id,
    kind: key.kind,
    name: key.name,
    toolkit_id: key.toolkitId,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
  }
}

function wireToolkit(toolkit: StoredToolkit, delivery: SocketDelivery): Record<string, unknown> {
  return {
    id: toolkit.id,
    name: toolkit.appName,
    slug: toolkit.slug,
    caption: toolkit.caption,
    connected: delivery.peersOf(toolkit.id).size,
    endpoint_url: toolkit.endpointUrl,
    published_at: toolkit.publishedAt,
    created_at: toolkit.createdAt,
    updated_at: toolkit.updatedAt,
  }
}

function read<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  throw new AtpError('invalid_request', `${what} cannot be read: ${firstIssues(parsed.error)}`)
}
