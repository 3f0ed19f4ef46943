import { AtpError } from '@atp/core'
import { type DynamicModule, Inject, Module, type NestModule, type OnModuleDestroy, type Type } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { AtpModuleAsyncOptions, AtpModuleOptions, FactoryOptions } from './atp-module-options.ts'
import { AtpMount, cleanPath } from './atp-mount.ts'
import { AtpSharedModule } from './atp-shared.module.ts'
import { AtpClientService } from './clients/atp-client-service.ts'
import { createAtpController, mapRoutes } from './http/atp.controller.ts'
import { platformOf } from './http/platform.ts'

const optionsToken = Symbol('atp.options')
const controllerToken = Symbol('atp.controller')

/**
 * Serves toolkits in a Nest app, on Express or Fastify, with its guards, interceptors and pipes; `AtpClientService`
 * connects them to a server. May be imported more than once, with different paths.
 */
export class AtpModule implements NestModule, OnModuleDestroy {
  private readonly mount: AtpMount
  private readonly controller: Type
  private readonly host: HttpAdapterHost
  private readonly clientService: AtpClientService

  constructor(mount: AtpMount, controller: Type, host: HttpAdapterHost, clientService: AtpClientService) {
    this.mount = mount
    this.controller = controller
    this.host = host
    this.clientService = clientService
  }

  /**
   * Serves `clients` and the providers with `@AtpToolkit`.
   * @throws AtpError `invalid_config`, at the latest when the app starts
   */
  static forRoot<Native = unknown>(options: AtpModuleOptions<Native> = {}): DynamicModule {
    return dynamicModule(options, [{ provide: optionsToken, useValue: options }])
  }

  /**
   * As `forRoot`, with options that a factory makes of other providers, such as a key from a configuration service.
   * @throws AtpError `invalid_config`, at the latest when the app starts
   */
  static forRootAsync<Native = unknown>(options: AtpModuleAsyncOptions<Native>): DynamicModule {
    const { path, utcpPath, imports = [], inject = [], useFactory } = options
    const merge = (made: FactoryOptions<Native>): AtpModuleOptions<Native> => {
      if (!('path' in made || 'utcpPath' in made)) return { ...made, path, utcpPath }
      throw new AtpError(
        'invalid_config',
        'AtpModule.forRootAsync: give path and utcpPath beside useFactory, not from it',
      )
    }
    const provider = {
      provide: optionsToken,
      inject,
      useFactory: async (...dependencies: unknown[]) => merge(await useFactory(...dependencies)),
    }
    return { ...dynamicModule(options, [provider]), imports: [AtpSharedModule, ...imports] }
  }

  /** Called once the platform is known and before Nest registers routes. */
  configure(): void {
    mapRoutes(this.controller, this.mount, platformOf(this.host.httpAdapter))
  }

  /** Before the providers that tools use close: as early as Nest allows. */
  async onModuleDestroy(): Promise<void> {
    await this.clientService.stop()
  }
}

Module({})(AtpModule)
Inject(AtpMount)(AtpModule, undefined, 0)
Inject(controllerToken)(AtpModule, undefined, 1)
Inject(HttpAdapterHost)(AtpModule, undefined, 2)
Inject(AtpClientService)(AtpModule, undefined, 3)

function dynamicModule(
  { path }: { path?: string | undefined },
  providers: NonNullable<DynamicModule['providers']>,
): DynamicModule {
  const controller = createAtpController(cleanPath(path))
  const mount = {
    provide: AtpMount,
    inject: [optionsToken],
    useFactory: (options: AtpModuleOptions) => new AtpMount(options),
  }
  return {
    module: AtpModule,
    imports: [AtpSharedModule],
    controllers: [controller],
    providers: [...providers, mount, { provide: controllerToken, useValue: controller }],
    exports: [AtpSharedModule],
  }
}
