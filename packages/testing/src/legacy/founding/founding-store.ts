import type { FoundingAnswer } from './founding-http.ts'
import type { FoundingState, FoundingToolkit } from './founding-state.ts'

/** The store's and developers' routes: `path` is what follows the prefix. */
export function storeRoute(state: FoundingState, method: string, path: string, query: URLSearchParams): FoundingAnswer {
  const notFound = { status: 404, json: { error: 'Not found' } }
  if (method !== 'GET') return notFound
  if (path === 'store/toolkits/list/' || path === 'developers/toolkits/') {
    return { status: 200, json: pageOf(state.toolkits().map(listed), path, query) }
  }
  const toolkit = state.findToolkit(decodeURIComponent(/^store\/toolkits\/([^/]+)\/$/.exec(path)?.[1] ?? ''))
  if (toolkit !== undefined) {
    const tools = [...toolkit.tools.values()].map(({ name, description }) => ({ name, description }))
    return { status: 200, json: { ...listed(toolkit), developer: { display_name: state.developer }, tools } }
  }
  const developer = decodeURIComponent(/^store\/developers\/([^/]+)\/$/.exec(path)?.[1] ?? '')
  if (developer !== state.developer) return notFound
  return { status: 200, json: { display_name: developer, bio: '', toolkits: state.toolkits().map(listed) } }
}

function listed({ id, appName }: FoundingToolkit): Record<string, unknown> {
  return { toolkit_id: id, name: appName, description: `Tools of ${appName}` }
}

function pageOf(all: object[], path: string, query: URLSearchParams): Record<string, unknown> {
  const page = Number(query.get('page') ?? 1)
  const size = Number(query.get('page_size') ?? 20)
  const end = page * size
  const linkTo = (to: number): string => `/api/v1/atp/llm-client/${path}?page=${to}&page_size=${size}`
  return {
    count: all.length,
    page,
    page_size: size,
    next: end < all.length ? linkTo(page + 1) : null,
    previous: page > 1 ? linkTo(page - 1) : null,
    results: all.slice(end - size, end),
  }
}
