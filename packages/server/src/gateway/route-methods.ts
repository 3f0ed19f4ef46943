import type { FastifyInstance } from 'fastify'

/** Notes the methods of every route that is added from now on. Returns those of an address; none where no route is. */
export function watchRouteMethods(app: FastifyInstance): (address: string) => string[] {
  const routes = new Map<string, { segments: string[]; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { segments: url.split('/'), methods: new Set() }
    for (const one of [method].flat()) route.methods.add(one)
    routes.set(url, route)
  })
  return (address) => {
    const segments = (address.split(/[?#]/, 1)[0] ?? '').split('/')
    const found = [...routes.values()].filter((route) => fits(route.segments, segments))
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort()
  }
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length && pattern.every((part, at) => part.startsWith(':') || part === segments[at])
  )
}
