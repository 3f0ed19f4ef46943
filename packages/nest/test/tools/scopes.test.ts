import { ToolKitClient } from '@atp/core'
import { type CanActivate, Inject, Injectable, Scope } from '@nestjs/common'
import { APP_GUARD, type ContextId, ContextIdFactory, REQUEST } from '@nestjs/core'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { AtpClientService, AtpModule, AtpTool, AtpToolkit } from '../../src/index.ts'
import { post } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'
import { startServer } from '../support/server.ts'

let made = 0

/** What one request knows; made anew for each. */
@Injectable({ scope: Scope.REQUEST })
class Visit {
  readonly number = ++made
  user = 'nobody'

  constructor(@Inject(REQUEST) readonly request: { headers?: Record<string, string>; callId?: string }) {}
}

/** A guard that leaves who calls with the request's provider. */
@Injectable({ scope: Scope.REQUEST })
class VisitGuard implements CanActivate {
  constructor(@Inject(Visit) private readonly visit: Visit) {}

  canActivate(): boolean {
    this.visit.user = this.visit.request.headers?.['x-user'] ?? 'nobody'
    return true
  }
}

@AtpToolkit('visits')
class VisitTools {
  constructor(@Inject(Visit) private readonly visit: Visit) {}

  @AtpTool({ description: 'Tells of the visit' })
  tell(): unknown {
    const { number, user, request } = this.visit
    return { number, user, header: request.headers?.['x-user'] ?? null, callId: request.callId ?? null }
  }

  @AtpTool({ description: 'Counts', params: z.object({ to: z.int() }) })
  async *count({ to }: { to: number }): AsyncGenerator<number, string> {
    for (let at = 1; at <= to; at += 1) yield at
    return `visit of ${this.visit.user}`
  }

  @AtpTool({ description: 'Says nothing' })
  nothing(): void {}

  @AtpTool({ description: 'Fails' })
  async fail(): Promise<void> {
    throw new Error('The drawer is stuck')
  }
}

describe.each(platforms)('a request-scoped toolkit on %s', (_platform, adapter) => {
  const module = appModule({
    imports: [AtpModule.forRoot({ authorize: 'public' })],
    providers: [Visit, VisitTools, { provide: APP_GUARD, useClass: VisitGuard }],
  })

  it("shares the request's providers with the guards of its route", async () => {
    await using running = await startApp(module, adapter())
    const url = `${running.url}/atp/visits/tell`
    const [ann, bob] = await Promise.all([post(url, {}, { 'x-user': 'ann' }), post(url, {}, { 'x-user': 'bob' })])
    expect(ann.json.result).toMatchObject({ user: 'ann', header: 'ann', callId: null })
    expect(bob.json.result).toMatchObject({ user: 'bob', header: 'bob' })
    expect(ann.json.result.number).not.toBe(bob.json.result.number)
  })

  it('finds its request without any other scoped provider in the route', async () => {
    const alone = appModule({ imports: [AtpModule.forRoot({ authorize: 'public' })], providers: [Visit, VisitTools] })
    await using running = await startApp(alone, adapter())
    const { result } = (await post(`${running.url}/atp/visits/tell`, {}, { 'x-user': 'ann' })).json
    expect(result).toMatchObject({ user: 'nobody', header: 'ann' })
  })

  it('streams, answers nothing and fails like any other', async () => {
    await using running = await startApp(module, adapter())
    const url = `${running.url}/atp/visits`
    const stream = await post(`${url}/count`, { to: 2 }, { accept: 'text/event-stream', 'x-user': 'ann' })
    expect(stream.text.match(/^data: .*$/gm)).toEqual(['data: 1', 'data: 2', 'data: {"result":"visit of ann"}'])
    expect((await post(`${url}/nothing`)).json).toEqual({ result: null })
    expect((await post(`${url}/fail`)).json).toMatchObject({ code: 'tool_error', error: 'The drawer is stuck' })
  })
})

describe('a scoped toolkit', () => {
  it('is made anew for each call where its scope is transient', async () => {
    @AtpToolkit('counter')
    @Injectable({ scope: Scope.TRANSIENT })
    class Counter {
      count = 0
      @AtpTool({ description: 'Counts its calls' })
      next(): number {
        this.count += 1
        return this.count
      }
    }
    const module = appModule({ imports: [AtpModule.forRoot({ authorize: 'public' })], providers: [Counter] })
    await using running = await startApp(module)
    for (const _call of [1, 2]) expect((await post(`${running.url}/atp/counter/next`)).json).toEqual({ result: 1 })
  })

  it('gets providers of its own for a call over a socket, with the context of the tool as REQUEST', async () => {
    await using server = await startServer()
    const apiKey = await server.toolkitKey('visits')
    const client = new ToolKitClient({ appName: 'visits', apiKey, baseUrl: server.url })
    const module = appModule({
      imports: [AtpModule.forRoot({ clients: client, connect: true, authorize: 'public' })],
      providers: [Visit, VisitTools],
    })
    await using running = await startApp(module)
    await running.app.get(AtpClientService).clients[0]?.whenRegistered()
    const tell = () =>
      server.llm.call({ toolkitId: 'visits', tool: 'tell' }) as Promise<{ number: number; callId: string }>
    const [first, second] = [await tell(), await tell()]
    expect(first).toMatchObject({ user: 'nobody', header: null, callId: expect.stringMatching(/./) })
    expect(first.number).not.toBe(second.number)
    expect(first.callId).not.toBe(second.callId)
  })

  it('outlives requests where it is durable, by the strategy of the app', async () => {
    const tenants = new Map<string, ContextId>()
    ContextIdFactory.apply({
      attach(contextId, request: { headers: Record<string, string> }) {
        const tenant = request.headers['x-tenant'] ?? 'none'
        const tree = tenants.get(tenant) ?? { id: tenants.size }
        tenants.set(tenant, tree)
        return { resolve: ({ isTreeDurable }) => (isTreeDurable ? tree : contextId), payload: { tenant } }
      },
    })
    @AtpToolkit('tenants')
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class TenantTools {
      calls = 0
      constructor(@Inject(REQUEST) private readonly payload: { tenant: string }) {}
      @AtpTool({ description: 'Counts the calls of a tenant' })
      count(): unknown {
        this.calls += 1
        return `${this.payload.tenant} ${this.calls}`
      }
    }
    try {
      const module = appModule({ imports: [AtpModule.forRoot({ authorize: 'public' })], providers: [TenantTools] })
      await using running = await startApp(module)
      const count = async (tenant: string): Promise<unknown> =>
        (await post(`${running.url}/atp/tenants/count`, {}, { 'x-tenant': tenant })).json.result
      expect([await count('a'), await count('b'), await count('a')]).toEqual(['a 1', 'b 1', 'a 2'])
    } finally {
      ContextIdFactory.apply(undefined as never)
    }
  })
})
