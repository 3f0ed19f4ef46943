import { AtpError } from '@atp/core'
import { toWireTool } from '@atp/core/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { toolkitNotFound } from '../calls/call-request.ts'
import { keyOf, type RouteAccess } from '../gateway/route-access.ts'
import type { PublishedToolkit, Store, StoredToolkit } from '../store/store.ts'
import { readPage, writePage } from './pages.ts'

/** What {@link registerStoreHttp} needs. */
export interface StoreHttpOptions {
  store: Pick<Store, 'toolkits' | 'projects'>
}

const prefix = '/api/v1/atp/llm-client'
const llm: { config: { access: RouteAccess } } = { config: { access: { kind: 'llm' } } }

/**
 * `…/store/…` and `…/developers/…`: what a server offers to whoever has an LLM key. A project is a developer. Only
 * published toolkits are shown outside their project; what is not shown looks like what is not there (rule K8).
 */
export function registerStoreHttp(app: FastifyInstance, { store }: StoreHttpOptions): void {
  const { toolkits, projects } = store
  const both = (path: string, handle: (request: FastifyRequest) => Promise<Record<string, unknown>>): void => {
    app.get(`${prefix}/${path}/`, llm, handle)
    app.get(`${prefix}/${path}`, llm, handle)
  }

  both('store/toolkits/list', async (request) => {
    const page = readPage(request)
    return writePage(`${prefix}/store/toolkits/list/`, page, await toolkits.listPublished(page.range), (toolkit) => ({
      ...wireToolkit(toolkit),
      developer: { display_name: toolkit.projectName },
    }))
  })

  both('developers/toolkits', async (request) => {
    const page = readPage(request)
    const { projectId } = keyOf(request)
    return writePage(
      `${prefix}/developers/toolkits/`,
      page,
      await toolkits.listPage(projectId, page.range),
      (toolkit) => ({
        ...wireToolkit(toolkit),
        published: toolkit.publishedAt !== null,
      }),
    )
  })

  both('store/toolkits/:id', async (request) => {
    const { id } = request.params as { id: string }
    const { toolkit, displayName } = await shown(keyOf(request).projectId, id)
    const tools = await toolkits.tools(toolkit.projectId, toolkit.id)
    return {
      ...wireToolkit(toolkit),
      developer: { display_name: displayName },
      tools: tools.map(toWireTool),
    }
  })

  both('store/developers/:name', async (request) => {
    const { name } = request.params as { name: string }
    const project = await projects.findByName(name)
    const published = project ? await toolkits.publishedOf(project.id) : []
    if (!project || (published.length === 0 && project.id !== keyOf(request).projectId)) {
      throw new AtpError('not_found', `There is no developer "${name}"`)
    }
    return { display_name: project.name, bio: '', toolkits: published.map(wireToolkit) }
  })

  /** A toolkit of the caller's own project by any of its names, else a published one by its id or `@developer/slug`. */
  async function shown(projectId: string, id: string): Promise<{ toolkit: StoredToolkit; displayName: string }> {
    const own = await toolkits.resolve(projectId, id)
    if (own) return { toolkit: own, displayName: (await projects.find(projectId))?.name ?? '' }
    const published: PublishedToolkit | undefined = await toolkits.findPublished(id)
    if (!published) throw toolkitNotFound(id)
    return { toolkit: published, displayName: published.projectName }
  }
}

/** Neither keys nor code. */
function wireToolkit(toolkit: StoredToolkit): Record<string, unknown> {
  return {
    toolkit_id: toolkit.id,
    name: toolkit.appName,
    slug: toolkit.slug,
    description: toolkit.caption,
  }
}
