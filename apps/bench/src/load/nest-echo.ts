import 'reflect-metadata'
import { AtpModule } from '@atp/nest'
import {
  BadRequestException,
  Body,
  type CanActivate,
  Controller,
  type DynamicModule,
  type ExecutionContext,
  GatewayTimeoutException,
  HttpCode,
  Module,
  type PipeTransform,
  Post,
  type Type,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common'
import {
  createEchoToolkit,
  DeadlineError,
  echo,
  echoPath,
  echoSchema,
  holdsKey,
  type RouteKind,
  withDeadline,
} from './echo-route.ts'

/** The root module of a Nest app that serves the echo, the same on each of Nest's platforms. */
export function createNestEcho(kind: RouteKind): Type | DynamicModule {
  switch (kind) {
    case 'ours':
      return AtpModule.forRoot({ clients: createEchoToolkit() })
    case 'hand':
      return moduleOf(HandController)
    case 'bare':
      return moduleOf(BareController)
  }
}

function moduleOf(controller: Type): DynamicModule {
  class EchoModule {}
  Module({})(EchoModule)
  return { module: EchoModule, controllers: [controller] }
}

class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>()
    if (holdsKey(headers.authorization)) return true
    throw new UnauthorizedException('The key is not valid')
  }
}

type Echo = Awaited<ReturnType<typeof echo>>

class EchoPipe implements PipeTransform<unknown, Echo> {
  transform(value: unknown): Echo {
    const args = echoSchema.safeParse(value)
    if (args.success) return args.data
    throw new BadRequestException(args.error.issues[0]?.message)
  }
}

class HandController {
  async run(args: Echo): Promise<{ result: Echo }> {
    try {
      return { result: await withDeadline(echo(args)) }
    } catch (error) {
      throw error instanceof DeadlineError ? new GatewayTimeoutException(error.message) : error
    }
  }
}
// Node runs this file as it is, so decorators are called as what they are: functions.
UseGuards(KeyGuard)(HandController)
Body(EchoPipe)(HandController.prototype, 'run', 0)
asRoute(HandController)

class BareController {
  run(args: unknown): { result: unknown } {
    return { result: args }
  }
}
Body()(BareController.prototype, 'run', 0)
asRoute(BareController)

function asRoute({ prototype }: typeof HandController | typeof BareController): void {
  const run = Object.getOwnPropertyDescriptor(prototype, 'run') as PropertyDescriptor
  Post(echoPath)(prototype, 'run', run)
  HttpCode(200)(prototype, 'run', run)
  Controller()(prototype.constructor as Type)
}
