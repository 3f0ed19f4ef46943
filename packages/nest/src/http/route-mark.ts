import { SetMetadata } from '@nestjs/common'

/** Where Nest's Fastify adapter looks for what it gives a route as `config`. With Express, it stays on the handler. */
const routeConfigKey = '__fastify_route_config__'
const mark = { atp: true } as const

/** Marks a controller's handler as ours, for what stands before it on the platform. */
export function markAsOurs(prototype: object, method: string, descriptor: PropertyDescriptor): void {
  SetMetadata(routeConfigKey, mark)(prototype, method, descriptor)
}

/** Whether the configuration of a Fastify route says that it is ours. */
export function isOurConfig(config: object | undefined): boolean {
  return config !== undefined && 'atp' in config
}

/** Whether the handler of an Express route is ours: Nest copies a method's metadata to it. */
export function isOurHandler(handler: object): boolean {
  return isOurConfig(Reflect.getMetadata(routeConfigKey, handler))
}
