import { AtpError, isAtpError, Toolkit } from '@atp/core'
import { Inject, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common'
import { DiscoveryService, MetadataScanner } from '@nestjs/core'
import type { AtpMount } from '../atp-mount.ts'
import { findMounts } from '../find-mounts.ts'
import { nestLogger } from '../logging/nest-logger.ts'
import { checkMounts, mountOf } from './assign-mounts.ts'
import type { ToolkitMetadata } from './atp-toolkit.ts'
import { findToolProviders } from './find-tool-providers.ts'
import { guardsOf } from './tool-guards.ts'
import { createToolHandler } from './tool-handler.ts'
import type { ToolMethod, ToolProvider } from './tool-provider.ts'

/** Makes tools of all decorated methods of an app when it starts, and takes them away when it ends. */
export class ToolExplorer implements OnModuleInit, OnApplicationShutdown {
  private readonly discovery: DiscoveryService
  private readonly scanner: MetadataScanner
  /** Which method became which tool, by toolkit. */
  private readonly made = new Map<Toolkit, Map<string, string>>()

  constructor(discovery: DiscoveryService, scanner: MetadataScanner) {
    this.discovery = discovery
    this.scanner = scanner
  }

  /** @throws AtpError naming class and method where decorators do not say what can be done */
  onModuleInit(): void {
    const mounts = findMounts(this.discovery)
    const providers = findToolProviders(this.discovery)
    checkMounts(mounts, providers)
    for (const provider of providers) {
      const mount = mountOf(provider, mounts)
      const toolkit = toolkitFor(provider, mount)
      for (const tool of provider.methods(this.scanner)) this.makeTool(provider, tool, toolkit, mount)
    }
  }

  /** A toolkit that an app keeps outside of Nest may be given to the next app, as in tests. */
  onApplicationShutdown(): void {
    for (const [toolkit, tools] of this.made) for (const name of tools.keys()) toolkit.removeTool(name)
    this.made.clear()
  }

  private makeTool(
    provider: ToolProvider,
    { method, definition }: ToolMethod,
    toolkit: Toolkit,
    mount: AtpMount,
  ): void {
    const where = `${provider.type.name}.${method}`
    const made = this.made.get(toolkit) ?? new Map<string, string>()
    this.made.set(toolkit, made)
    const name = definition.name ?? definition.functionName ?? method
    const other = made.get(name)
    if (other !== undefined) {
      throw new AtpError(
        'duplicate_tool',
        `${other} and ${where} are both tool "${name}" of toolkit "${toolkit.appName}"; give one of them another name`,
      )
    }
    if (definition.params === undefined && definition.requiredParams === undefined && arity(provider, method) > 0) {
      throw new AtpError(
        'invalid_config',
        `${where} takes arguments, but its @AtpTool has no \`params\`; add params: z.object({ … }), empty if it only needs the context`,
      )
    }
    const guards = guardsOf(provider, method)
    if (guards.length > 0 || !provider.isStatic) mount.needsOrigin = true
    try {
      toolkit.registerTool({ ...definition, name }, createToolHandler(provider, method, guards))
    } catch (error) {
      if (isAtpError(error)) throw new AtpError(error.code, `@AtpTool on ${where}: ${error.message}`, { cause: error })
      throw error
    }
    made.set(name, where)
  }
}

Inject(DiscoveryService)(ToolExplorer, undefined, 0)
Inject(MetadataScanner)(ToolExplorer, undefined, 1)

function toolkitFor(provider: ToolProvider, mount: AtpMount): Toolkit {
  const { appName, options } = provider.toolkit as ToolkitMetadata
  const known = mount.registry.getClient(appName)
  if (known === undefined) {
    const toolkit = new Toolkit({ logger: nestLogger(`Toolkit ${appName}`), ...options, appName })
    mount.registry.registerClient(appName, toolkit)
    return toolkit
  }
  const [option] = Object.keys(options)
  if (option === undefined) return known
  throw new AtpError(
    'invalid_config',
    `@AtpToolkit('${appName}') on ${provider.type.name} gives \`${option}\`, but that toolkit is there already, from \`clients\` or another class; give it there`,
  )
}

function arity(provider: ToolProvider, method: string): number {
  return provider.type.prototype[method].length
}
