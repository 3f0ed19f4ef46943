import { ToolKitClient } from '@atp/core'
import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  Scope,
  SetMetadata,
  UseGuards,
} from '@nestjs/common'
import { REQUEST, Reflector } from '@nestjs/core'
import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { AtpClientService, AtpModule, AtpTool, AtpToolkit } from '../../src/index.ts'
import { post } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'
import { startServer } from '../support/server.ts'

/** A guard as apps have them: it knows nothing of ATP, and reads metadata of the handler. */
@Injectable()
class RolesGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.getAllAndOverride<string>('role', [context.getHandler(), context.getClass()])
    const { headers } = context.switchToHttp().getRequest()
    return role === undefined || headers['x-role'] === role
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  constructor(@Inject(REQUEST) private readonly request: { headers: Record<string, string> }) {}

  canActivate(): boolean {
    return this.request.headers['x-role'] !== 'banned'
  }
}

let ran = 0

@AtpToolkit('guarded')
@UseGuards(RolesGuard)
class GuardedTools {
  @AtpTool({ description: 'For everybody' })
  read(): string {
    return 'read'
  }

  @SetMetadata('role', 'admin')
  @AtpTool({ description: 'For admins', params: z.object({ id: z.string() }) })
  remove({ id }: { id: string }): string {
    ran += 1
    return `removed ${id}`
  }

  @UseGuards(ScopedGuard)
  @AtpTool({ description: 'For nobody who was banned' })
  async *stream(): AsyncGenerator<number> {
    yield 1
  }

  @UseGuards({ canActivate: () => of(false) })
  @AtpTool({ description: 'For nobody' })
  never(): string {
    return 'never'
  }

  @UseGuards({
    canActivate: () => {
      throw new ForbiddenException('Buy the large plan')
    },
  })
  @AtpTool({ description: 'For those who pay' })
  paid(): string {
    return 'paid'
  }

  @UseGuards({
    canActivate: () => {
      throw new Error('the password is hunter2')
    },
  })
  @AtpTool({ description: 'Behind a broken guard' })
  broken(): string {
    return 'broken'
  }
}

describe.each(platforms)('guards of a tool on %s', (_platform, adapter) => {
  const module = appModule({ imports: [AtpModule.forRoot({ authorize: 'public' })], providers: [GuardedTools] })

  it('decide by the request and by the metadata of the method', async () => {
    await using running = await startApp(module, adapter())
    const url = `${running.url}/atp/guarded`
    ran = 0
    expect((await post(`${url}/read`)).json).toEqual({ result: 'read' })
    const refused = await post(`${url}/remove`, { id: 'a' }, { 'x-role': 'clerk' })
    expect(refused).toMatchObject({ status: 400, json: { code: 'tool_error', error: 'Forbidden resource' } })
    expect(ran).toBe(0)
    expect((await post(`${url}/remove`, { id: 'a' }, { 'x-role': 'admin' })).json).toEqual({ result: 'removed a' })
  })

  it('may be scoped to the request, and stand before a stream', async () => {
    await using running = await startApp(module, adapter())
    const stream = (role: string) =>
      post(`${running.url}/atp/guarded/stream`, {}, { 'x-role': role, accept: 'text/event-stream' })
    expect((await stream('clerk')).text).toContain('event: chunk\ndata: 1\n')
    expect((await stream('banned')).text).toMatch(/^id: 1\nevent: error\ndata: .*Forbidden resource/)
  })

  it('may answer with an Observable', async () => {
    await using running = await startApp(module, adapter())
    expect((await post(`${running.url}/atp/guarded/never`)).json.error).toBe('Forbidden resource')
  })

  it('say why by an HttpException, and nothing when they break', async () => {
    await using running = await startApp(module, adapter())
    expect((await post(`${running.url}/atp/guarded/paid`)).json.error).toBe('Buy the large plan')
    expect((await post(`${running.url}/atp/guarded/broken`)).json.error).toBe('A guard of this tool failed')
  })
})

describe('a class guard of a provider that a factory makes', () => {
  const factory = { provide: 'tools', useFactory: () => new GuardedTools() }
  const imports = [AtpModule.forRoot({ authorize: 'public' })]

  it('fails the start, as Nest does not make it', async () => {
    await expect(startApp(appModule({ imports, providers: [factory] }))).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/^GuardedTools.read has guard RolesGuard, which Nest makes only for classes/),
    })
  })

  it('runs where the guard is provided beside it', async () => {
    await using running = await startApp(appModule({ imports, providers: [factory, RolesGuard, ScopedGuard] }))
    const url = `${running.url}/atp/guarded/remove`
    expect((await post(url, { id: 'a' })).json.error).toBe('Forbidden resource')
    expect((await post(url, { id: 'a' }, { 'x-role': 'admin' })).json).toEqual({ result: 'removed a' })
  })
})

describe('guards of a tool that is called over a socket', () => {
  it('are asked, and never take the arguments of a caller for a request', async () => {
    await using server = await startServer()
    const apiKey = await server.toolkitKey('guarded')
    const client = new ToolKitClient({ appName: 'guarded', apiKey, baseUrl: server.url })
    const seen: unknown[] = []
    @AtpToolkit('guarded')
    class SocketTools {
      @UseGuards({
        canActivate(context: ExecutionContext) {
          seen.push([context.getType(), context.getClass().name, context.getHandler().name, context.getArgs().length])
          const [toolContext, args] = context.getArgs()
          return args.open === true && typeof toolContext.callId === 'string'
        },
      })
      @AtpTool({ description: 'Opens', params: z.object({ open: z.boolean() }) })
      open(_args: { open: boolean }): string {
        return 'open'
      }

      @SetMetadata('role', 'admin')
      @UseGuards(RolesGuard)
      @AtpTool({ description: 'For admins', params: z.looseObject({}) })
      admin(_args: object): string {
        return 'admin'
      }
    }
    const module = appModule({
      imports: [AtpModule.forRoot({ clients: client, connect: true })],
      providers: [SocketTools],
    })
    await using running = await startApp(module)
    await running.app.get(AtpClientService).clients[0]?.whenRegistered()
    const call = (tool: string, params: Record<string, unknown>) =>
      server.llm.call({ toolkitId: 'guarded', tool, params })
    expect(await call('open', { open: true })).toBe('open')
    await expect(call('open', { open: false })).rejects.toThrow('Forbidden resource')
    expect(seen[0]).toEqual(['atp', 'SocketTools', 'open', 2])
    await expect(call('admin', { headers: { 'x-role': 'admin' } })).rejects.toThrow('A guard of this tool failed')
  })
})
