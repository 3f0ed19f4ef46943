import type { PlatformRequest } from './platform.ts'

/**
 * Splits a request's URL where the mount begins, behind as many segments as the registered route has in front of ours:
 * whatever global prefix, version or parameter they come from.
 * @param ownRoutes our part of the route, in its possible forms
 */
export function splitUrl(request: PlatformRequest, ownRoutes: readonly string[]): { basePath: string; path: string } {
  const route = request.routeOptions?.url ?? request.route?.path ?? ''
  const own = ownRoutes.find((candidate) => route.endsWith(candidate)) ?? route
  const { url, originalUrl = url } = request
  const start = segmentStart(url, countSegments(route) - countSegments(own))
  const path = url.slice(start)
  // An app inside another one sees the URL without what the outer one took off.
  const whole = originalUrl.endsWith(path) ? originalUrl : url
  return { basePath: whole.slice(0, whole.length - path.length), path }
}

function countSegments(path: string): number {
  return path.split('/').length - 1
}

function segmentStart(url: string, skipped: number): number {
  let start = 0
  for (let passed = 0; passed < skipped; passed += 1) start = url.indexOf('/', start + 1)
  return start
}
