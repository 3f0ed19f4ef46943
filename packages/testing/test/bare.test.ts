import { createFetchHandler } from '@atp/core'
import {
  createContractMounts,
  describeRoutes,
  guardHeader,
  guardValue,
  ownRoutePath,
  ownRoutePosted,
  ownRouteText,
  type RoutesHost,
  withoutSocket,
} from '../src/index.ts'

describeRoutes(
  'createFetchHandler, called directly',
  startBareHost,
  withoutSocket('requests are handed over as objects, so no bytes of ours reach a socket'),
)

/** The smallest app there can be: a list of mounts, one of its own routes, and a 404. */
async function startBareHost(): Promise<RoutesHost> {
  const mounts = createContractMounts().map(({ prefix, source, options, guarded }) => {
    const handle = createFetchHandler(source, { ...options, basePath: prefix })
    return { prefix, guarded, handle }
  })
  return {
    url: undefined,
    close: async () => {},
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === ownRoutePath) return new Response(request.method === 'POST' ? ownRoutePosted : ownRouteText)
      // The longest prefix first: the mount at the root would match everything. Whether the prefix ends where a segment
      // does is left to the handler.
      const mount = mounts
        .toSorted((one, other) => other.prefix.length - one.prefix.length)
        .find(({ prefix }) => pathname.startsWith(prefix))
      if (mount === undefined) return notFound()
      if (mount.guarded && request.headers.get(guardHeader) !== guardValue) return new Response('no', { status: 403 })
      const answer = await mount.handle(request)
      const below = pathname.startsWith(`${mount.prefix}/atp/`)
      return !below && (await isNothing(answer)) ? notFound() : answer
    },
  }
}

/** Without a framework, nothing is passed on: the handler itself answers what lies outside the mount. */
async function isNothing(answer: Response): Promise<boolean> {
  if (answer.status !== 404) return false
  const { code } = (await answer.clone().json()) as { code: string }
  return code === 'not_found'
}

function notFound(): Response {
  return new Response('no such page', { status: 404 })
}
