import { AtpError } from '@atp/core'
import type { DiscoveryService } from '@nestjs/core'
import { ToolProvider } from './tool-provider.ts'

/**
 * The providers of an app that carry `@AtpToolkit`, in the order of its modules.
 * @throws AtpError `invalid_config` on decorators that would do nothing, or twice what is meant once
 */
export function findToolProviders(discovery: DiscoveryService): ToolProvider[] {
  for (const controller of discovery.getControllers()) {
    const found = ToolProvider.of(controller)
    if (found !== undefined) {
      throw new AtpError('invalid_config', `${found.type.name} is a controller; tools belong to a provider: move them`)
    }
  }
  const found = discovery.getProviders().flatMap((wrapper) => ToolProvider.of(wrapper) ?? [])
  const byType = new Map<unknown, ToolProvider>()
  for (const provider of found) {
    const { type, toolkit, moduleName } = provider
    if (toolkit === undefined) {
      throw new AtpError(
        'invalid_config',
        `${type.name} has methods with @AtpTool, but no @AtpToolkit; decorate the class: @AtpToolkit('my-toolkit')`,
      )
    }
    const other = byType.get(type)
    if (other !== undefined) {
      throw new AtpError(
        'invalid_config',
        `${type.name} is provided twice, by ${other.moduleName} and ${moduleName}; provide it in one module and export it there`,
      )
    }
    byType.set(type, provider)
  }
  return found
}
