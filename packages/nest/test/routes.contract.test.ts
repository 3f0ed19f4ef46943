import {
  createContractMounts,
  type Deviations,
  describeRoutes,
  describeUtcpInterop,
  guardHeader,
  guardValue,
  hostBodyLimit,
  ownRoutePath,
  ownRoutePosted,
  ownRouteText,
  type RoutesHost,
} from '@atp/testing'
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  HttpCode,
  Injectable,
  Module,
  Post,
  type Type,
} from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { AtpModule } from '../src/index.ts'
import { type RunningApp, startApp } from './support/platforms.ts'

@Controller(ownRoutePath)
class OwnController {
  @Get()
  show(): string {
    return ownRouteText
  }

  @Post()
  @HttpCode(200)
  take(): string {
    return ownRoutePosted
  }
}

/** A guard of the whole app, which looks at the paths it is meant for. */
@Injectable()
class SessionGuard implements CanActivate {
  static prefixes: string[] = []

  canActivate(context: ExecutionContext): boolean {
    const request: { url: string; headers: Record<string, unknown> } = context.switchToHttp().getRequest()
    const guarded = SessionGuard.prefixes.some((prefix) => request.url.startsWith(`${prefix}/`))
    return !guarded || request.headers[guardHeader] === guardValue
  }
}

function contractModule(): Type {
  const mounts = createContractMounts()
  SessionGuard.prefixes = mounts.filter(({ guarded }) => guarded).map(({ prefix }) => prefix)

  @Module({
    imports: mounts.map(({ source, options, prefix }) =>
      AtpModule.forRoot({ clients: source, ...options, path: prefix }),
    ),
    controllers: [OwnController],
    providers: [{ provide: APP_GUARD, useClass: SessionGuard }],
  })
  class ContractModule {}
  return ContractModule
}

async function startExpress(): Promise<RoutesHost> {
  return toHost(
    await startApp(contractModule(), new ExpressAdapter(), (app) => {
      const express = app as NestExpressApplication
      express.useBodyParser('json', { limit: hostBodyLimit })
      express.useBodyParser('urlencoded', { limit: hostBodyLimit, extended: true })
      express.disable('x-powered-by')
    }),
  )
}

async function startFastify(): Promise<RoutesHost> {
  return toHost(await startApp(contractModule(), new FastifyAdapter({ bodyLimit: hostBodyLimit })))
}

function toHost({ app, url }: RunningApp): RoutesHost {
  return { url, fetch: (request) => fetch(request), close: () => app.close() }
}

/** Nest adds its parsers to the app before any module has its turn. */
const readsToTheEnd = "the body parsers of Nest's Express platform read a body to its end before they refuse its length"

const expressDeviations: Deviations = {
  'form.names':
    "the form parser of Nest's Express platform leaves out fields called __proto__ before anybody sees them",
  'limit.declared': readsToTheEnd,
  'limit.endless': readsToTheEnd,
}

describeRoutes('nest on express', startExpress, expressDeviations)
describeUtcpInterop('nest on express', startExpress)
describeRoutes('nest on fastify', startFastify)
describeUtcpInterop('nest on fastify', startFastify)
