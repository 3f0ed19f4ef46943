import type { Toolkit } from '../registry/toolkit.ts'
import type { ToolkitRegistry } from '../registry/toolkit-registry.ts'
import type { Tool } from '../tool/tool.ts'
import { isRouteName } from './http-options.ts'

/** What a path below the mount stands for. */
export type Route =
  | { kind: 'toolkits' }
  | { kind: 'toolkit'; name: string; toolkit: Toolkit }
  | { kind: 'tool'; name: string; toolkit: Toolkit; tool: Tool }
  | { kind: 'manual' }
  | { kind: 'openapi' }
  | { kind: 'unknown_toolkit' }
  | { kind: 'unknown_tool' }
  | { kind: 'nothing' }

/** Finds what a path stands for; undefined for paths that belong to the app. Both slash forms are the same. */
export function findRoute(url: string, registry: ToolkitRegistry, utcpPath: string | undefined): Route | undefined {
  // The absolute form (RFC 9112, 3.2.2) is for proxies. Routers read it in ways of their own, and one that sees another
  // path than we do may have let it past a guard.
  if (!url.startsWith('/')) return undefined
  const path = withoutQuery(url)
  if (utcpPath !== undefined && (path === utcpPath || path === `${utcpPath}/`)) return { kind: 'manual' }
  if (path === '/atp' || path === '/atp/') return { kind: 'toolkits' }
  if (!path.startsWith('/atp/')) return undefined
  const below = path.endsWith('/') ? path.slice(5, -1) : path.slice(5)
  const slash = below.indexOf('/')
  if (slash !== below.lastIndexOf('/')) return { kind: 'nothing' }
  if (below === 'openapi.json') return { kind: 'openapi' }
  const name = decodeSegment(slash === -1 ? below : below.slice(0, slash))
  const toolkit = name === undefined ? undefined : registry.getClient(name)
  if (name === undefined || toolkit === undefined) return { kind: 'unknown_toolkit' }
  if (slash === -1) return { kind: 'toolkit', name, toolkit }
  const toolName = decodeSegment(below.slice(slash + 1))
  const tool = toolName === undefined ? undefined : toolkit.registeredTools.get(toolName)
  return tool === undefined ? { kind: 'unknown_tool' } : { kind: 'tool', name, toolkit, tool }
}

/** The toolkits that a path can name; a registry may get others at any time. */
export function* reachableToolkits(registry: ToolkitRegistry): Generator<[string, Toolkit]> {
  for (const entry of registry) if (isRouteName(entry[0])) yield entry
}

/** The path of a tool's or a toolkit's route below the mount. */
export function routePath(toolkit: string, tool?: string): string {
  const path = `/atp/${encodeURIComponent(toolkit)}/`
  return tool === undefined ? path : `${path}${encodeURIComponent(tool)}/`
}

function withoutQuery(path: string): string {
  const query = path.indexOf('?')
  const fragment = path.indexOf('#')
  if (query === -1 && fragment === -1) return path
  return path.slice(0, query === -1 ? fragment : fragment === -1 ? query : Math.min(query, fragment))
}

/** Escapes of letters, digits, `-`, `.`, `_` and `~`, which need none (RFC 3986, 2.3). */
const needlessEscape = /%(3\d|[46][1-9a-f]|[57][0-9a]|2[de]|5f|7e)/i

/**
 * Rule I3: decoded once; what would change the path's meaning once decoded names nothing. Nor does a plain name in
 * disguise: a guard that the app has on the plain path would not see it.
 */
function decodeSegment(segment: string): string | undefined {
  if (needlessEscape.test(segment)) return undefined
  try {
    const name = segment.includes('%') ? decodeURIComponent(segment) : segment
    return isRouteName(name) ? name : undefined
  } catch {
    return undefined
  }
}
