import { Toolkit } from '@atp/core'
import { Inject, Injectable } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { AtpModule, AtpTool, AtpToolkit } from '../../src/index.ts'
import { post, send } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'

@Injectable()
class OrderStore {
  readonly orders = new Map([['A1', { id: 'A1', total: 12 }]])
}

@AtpToolkit('orders', { caption: 'Orders of a shop', instructions: 'Be kind' })
class OrderTools {
  calls = 0

  constructor(private readonly store: OrderStore) {}

  @AtpTool({
    description: 'Finds an order',
    params: z.object({ id: z.string() }),
    annotations: { readOnly: true },
  })
  find_order({ id }: { id: string }): unknown {
    this.calls += 1
    return { order: this.store.orders.get(id) ?? null, calls: this.calls }
  }

  @AtpTool({ name: 'list', description: 'Lists orders, one after the other' })
  async *listAll(): AsyncGenerator<unknown> {
    for (const order of this.store.orders.values()) yield order
  }

  @AtpTool({ description: 'Tells of the call', params: z.object({}), auth: { provider: 'crm', type: 'OAuth2' } })
  whoami(_args: object, { authToken, callId }: { authToken: string | undefined; callId: string }): unknown {
    return { authToken, callId }
  }

  notATool(): string {
    return 'secret'
  }
}

const module = appModule({
  imports: [AtpModule.forRoot({ authorize: 'public' })],
  providers: [OrderStore, OrderTools],
})

describe.each(platforms)('a provider with @AtpToolkit on %s', (_platform, adapter) => {
  it('is a toolkit whose methods with @AtpTool are tools, and no others', async () => {
    await using running = await startApp(module, adapter())
    expect((await send(`${running.url}/atp/orders/`)).json).toMatchObject({
      toolkit: 'orders',
      app_name: 'orders',
      tools: [
        {
          function: 'find_order',
          description: 'Finds an order',
          params: ['id'],
          required_params: ['id'],
          annotations: { read_only: true },
        },
        { function: 'list' },
        { function: 'whoami', auth_provider: 'crm' },
      ],
    })
    expect((await send(`${running.url}/atp/orders/notATool`)).status).toBe(404)
  })

  it('runs them on the instance that Nest made, with what it injected', async () => {
    await using running = await startApp(module, adapter())
    const url = `${running.url}/atp/orders/find_order`
    expect((await post(url, { id: 'A1' })).json).toEqual({ result: { order: { id: 'A1', total: 12 }, calls: 1 } })
    expect((await post(url, { id: 'B2' })).json).toEqual({ result: { order: null, calls: 2 } })
    expect(running.app.get(OrderTools).calls).toBe(2)
    expect(await post(url, { id: 5 })).toMatchObject({ status: 400, json: { code: 'invalid_params' } })
  })

  it('streams what a generator yields', async () => {
    await using running = await startApp(module, adapter())
    const answer = await post(`${running.url}/atp/orders/list`, {}, { accept: 'text/event-stream' })
    expect(answer.text).toContain('event: chunk\ndata: {"id":"A1","total":12}\n')
    expect((await post(`${running.url}/atp/orders/list`)).json).toEqual({ result: [{ id: 'A1', total: 12 }] })
  })

  it("hands over the context, with the end user's token", async () => {
    await using running = await startApp(module, adapter())
    const url = `${running.url}/atp/orders/whoami`
    expect((await post(url, {}, { 'x-atp-auth-token': 'secret' })).json.result).toMatchObject({ authToken: 'secret' })
    expect((await post(url)).json.code).toBe('missing_token')
  })
})

describe('tools of providers', () => {
  it('are closed unless the AtpModule or the toolkit says who may run them', async () => {
    @AtpToolkit('keyed', { apiKey: 'atp_toolkit_own_key' })
    class Keyed {
      @AtpTool({ description: 'Runs' })
      run(): string {
        return 'ran'
      }
    }
    await using running = await startApp(appModule({ imports: [AtpModule.forRoot()], providers: [Keyed] }))
    const url = `${running.url}/atp/keyed/run`
    expect((await post(url)).status).toBe(401)
    expect((await post(url, {}, { authorization: 'Bearer atp_toolkit_own_key' })).json).toEqual({ result: 'ran' })
  })

  it('join the toolkit of that name among `clients`, and leave it with the app', async () => {
    const orders = new Toolkit({ appName: 'orders', caption: 'In code' })
    orders.registerTool({ name: 'ping', description: 'Pings' }, () => 'pong')
    @AtpToolkit('orders')
    class MoreOrders {
      @AtpTool({ description: 'Runs' })
      run(): string {
        return 'ran'
      }
    }
    const joined = appModule({
      imports: [AtpModule.forRoot({ clients: orders, authorize: 'public' })],
      providers: [MoreOrders],
    })
    for (const _turn of [1, 2]) {
      await using running = await startApp(joined)
      expect([...orders.registeredTools.keys()]).toEqual(['ping', 'run'])
      expect((await post(`${running.url}/atp/orders/run`)).json).toEqual({ result: 'ran' })
    }
    expect([...orders.registeredTools.keys()]).toEqual(['ping'])
  })

  it('may come from several classes of one toolkit', async () => {
    @AtpToolkit('shop', { caption: 'A shop' })
    class First {
      @AtpTool({ description: 'One' })
      one(): number {
        return 1
      }
    }
    @AtpToolkit('shop')
    class Second {
      @AtpTool({ description: 'Two' })
      two(): number {
        return 2
      }
    }
    await using running = await startApp(appModule({ imports: [AtpModule.forRoot()], providers: [First, Second] }))
    const { tools } = (await send(`${running.url}/atp/shop`)).json
    expect(tools.map((tool: { function: string }) => tool.function)).toEqual(['one', 'two'])
  })

  it('are inherited, and overridden without a decorator', async () => {
    abstract class Base {
      @AtpTool({ description: 'Says who it is' })
      name(): string {
        return 'base'
      }

      @AtpTool({ description: 'Says it twice' })
      twice(): string {
        return `${this.name()} ${this.name()}`
      }
    }
    @AtpToolkit('derived')
    class Derived extends Base {
      override name(): string {
        return 'derived'
      }
    }
    const derived = appModule({ imports: [AtpModule.forRoot({ authorize: 'public' })], providers: [Derived] })
    await using running = await startApp(derived)
    expect((await post(`${running.url}/atp/derived/twice`)).json).toEqual({ result: 'derived derived' })
  })

  it.each([
    ['a factory', { provide: OrderTools, useFactory: () => new OrderTools(new OrderStore()) }],
    ['a value', { provide: 'tools', useValue: new OrderTools(new OrderStore()) }],
    ['another class', { provide: 'tools', useClass: OrderTools }],
  ])('are found on what %s provides', async (_title, provider) => {
    const alias = { provide: 'alias', useExisting: provider.provide }
    const provided = appModule({
      imports: [AtpModule.forRoot({ authorize: 'public' })],
      providers: [OrderStore, provider, alias],
    })
    await using running = await startApp(provided)
    expect((await post(`${running.url}/atp/orders/find_order`, { id: 'A1' })).json.result.calls).toEqual(
      expect.any(Number),
    )
  })

  it('are found with a decorator around them that replaces the method', async () => {
    function Twice(_prototype: object, _name: string, descriptor: PropertyDescriptor): void {
      const { value } = descriptor
      descriptor.value = function (this: unknown) {
        return [value.call(this), value.call(this)]
      }
    }
    @AtpToolkit('wrapped')
    class Wrapped {
      @Twice
      @AtpTool({ description: 'Runs' })
      run(): string {
        return 'ran'
      }
    }
    const wrapped = appModule({ imports: [AtpModule.forRoot({ authorize: 'public' })], providers: [Wrapped] })
    await using running = await startApp(wrapped)
    expect((await post(`${running.url}/atp/wrapped/run`)).json).toEqual({ result: ['ran', 'ran'] })
  })

  it('are served by the AtpModule that names their class, where there are several', async () => {
    @AtpToolkit('public')
    class PublicTools {
      constructor(@Inject(OrderStore) readonly store: OrderStore) {}
      @AtpTool({ description: 'Counts' })
      count(): number {
        return this.store.orders.size
      }
    }
    const several = appModule({
      imports: [
        AtpModule.forRoot({ path: 'open', authorize: 'public', toolkits: [PublicTools] }),
        AtpModule.forRoot({ path: 'internal', authorize: { keys: ['a long key'] } }),
      ],
      providers: [OrderStore, OrderTools, PublicTools],
    })
    await using running = await startApp(several)
    const names = async (path: string): Promise<unknown> =>
      (await send(`${running.url}${path}/atp`)).json.toolkits.map((entry: { toolkit: string }) => entry.toolkit)
    expect(await names('/open')).toEqual(['public'])
    expect(await names('/internal')).toEqual(['orders'])
    expect((await post(`${running.url}/open/atp/public/count`)).json).toEqual({ result: 1 })
    expect((await post(`${running.url}/internal/atp/orders/list`)).status).toBe(401)
  })
})
