import type { DiscoveryService } from '@nestjs/core'
import { AtpMount } from './atp-mount.ts'

/** What all AtpModules of an app serve. */
export function findMounts(discovery: DiscoveryService): AtpMount[] {
  return discovery.getProviders().flatMap(({ token, instance }) => (token === AtpMount ? [instance as AtpMount] : []))
}
