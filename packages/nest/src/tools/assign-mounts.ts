import { AtpError } from '@atp/core'
import type { AtpMount } from '../atp-mount.ts'
import type { ToolProvider } from './tool-provider.ts'

/**
 * Checks the AtpModules of an app against each other and against its providers.
 * @throws AtpError `invalid_config`
 */
export function checkMounts(mounts: readonly AtpMount[], providers: readonly ToolProvider[]): void {
  const paths = new Set<string>()
  for (const { path, options } of mounts) {
    if (paths.has(path)) {
      throw new AtpError(
        'invalid_config',
        `Two AtpModules serve ${path}/atp; give one of them another \`path\`, or all their \`clients\` to one`,
      )
    }
    paths.add(path)
    const missing = options.toolkits?.find((type) => !providers.some((provider) => provider.type === type))
    if (missing !== undefined) {
      throw new AtpError(
        'invalid_config',
        `The AtpModule at ${path}/atp names ${missing.name} in \`toolkits\`, but no module provides it with @AtpToolkit; add both`,
      )
    }
  }
}

/**
 * The AtpModule that serves a provider's tools: the one that names its class, else the only one that names none.
 * @throws AtpError `invalid_config` when two of them would, or none
 */
export function mountOf({ type }: ToolProvider, mounts: readonly AtpMount[]): AtpMount {
  const naming = mounts.filter(({ options }) => options.toolkits?.includes(type))
  const claiming = naming.length > 0 ? naming : mounts.filter(({ options }) => options.toolkits === undefined)
  const [mount] = claiming
  if (mount !== undefined && claiming.length === 1) return mount
  if (mount === undefined) {
    throw new AtpError('invalid_config', `No AtpModule serves ${type.name}; name it in the \`toolkits\` of one of them`)
  }
  const places = claiming.map(({ path }) => `${path}/atp`).join(' and ')
  throw new AtpError(
    'invalid_config',
    `${type.name} is claimed by two AtpModules, at ${places}; give each the option \`toolkits\`, with ${type.name} in one`,
  )
}
