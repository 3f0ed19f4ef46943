import { Inject, Module, type NestModule } from '@nestjs/common'
import { DiscoveryModule, HttpAdapterHost } from '@nestjs/core'
import { AtpClientService } from './clients/atp-client-service.ts'
import { continueOnExpress, type ExpressApp } from './http/express-bodies.ts'
import { continueOnFastify, type FastifyApp } from './http/fastify-bodies.ts'
import { platformOf } from './http/platform.ts'
import { ToolExplorer } from './tools/tool-explorer.ts'

/** What all AtpModules of an app have in common. */
export class AtpSharedModule implements NestModule {
  private readonly host: HttpAdapterHost

  constructor(host: HttpAdapterHost) {
    this.host = host
  }

  configure(): void {
    const { httpAdapter } = this.host
    if (platformOf(httpAdapter) === 'fastify') continueOnFastify(httpAdapter.getInstance<FastifyApp>())
    else continueOnExpress(httpAdapter.getInstance<ExpressApp>())
  }
}

Inject(HttpAdapterHost)(AtpSharedModule, undefined, 0)
Module({
  imports: [DiscoveryModule],
  providers: [AtpClientService, ToolExplorer],
  exports: [AtpClientService],
})(AtpSharedModule)
