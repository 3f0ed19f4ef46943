import { createRegistry, Toolkit } from '@atp/core'
import { Controller, Get, Injectable, Module, VersioningType } from '@nestjs/common'
import { type AbstractHttpAdapter, HttpAdapterHost, NestFactory, RouterModule } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { Test } from '@nestjs/testing'
import { describe, expect, it } from 'vitest'
import { AtpModule } from '../src/index.ts'
import { post, send } from './support/call.ts'
import { appModule } from './support/module.ts'
import { platforms, startApp } from './support/platforms.ts'
import { createShop } from './support/shop.ts'

const open = { authorize: 'public' } as const

/** The address of the first tool, as the UTCP manual tells it. */
async function firstToolUrl(manual: string): Promise<string> {
  return (await send(manual)).json.tools[0].tool_call_template.url
}

describe.each(platforms)('AtpModule on %s', (_name, adapter) => {
  it('serves toolkits below /atp, closed unless told otherwise', async () => {
    await using running = await startApp(
      appModule({ imports: [AtpModule.forRoot({ clients: createShop() })] }),
      adapter(),
    )
    expect((await send(`${running.url}/atp`)).json).toEqual({ toolkits: [{ toolkit: 'shop', app_name: 'shop' }] })
    expect(await post(`${running.url}/atp/shop/echo/`)).toMatchObject({ status: 401, json: { code: 'unauthorized' } })
  })

  it('is found under the global prefix, and says so in its manual', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), ...open })] })
    await using running = await startApp(module, adapter(), (app) => app.setGlobalPrefix('api/internal'))
    const base = `${running.url}/api/internal`
    expect(await post(`${base}/atp/shop/echo`, { text: 'a' })).toMatchObject({ status: 200 })
    expect(await firstToolUrl(`${base}/utcp`)).toBe(`${base}/atp/shop/echo/`)
    expect((await send(`${running.url}/atp/`)).status).toBe(404)
  })

  it('takes a prefix with a parameter as it stands in the URL', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), ...open })] })
    await using running = await startApp(module, adapter(), (app) => app.setGlobalPrefix('tenants/:id'))
    const base = `${running.url}/tenants/a%20b`
    expect(await post(`${base}/atp/shop/echo`, { text: 'a' })).toMatchObject({ status: 200 })
    expect(await post(`${base}/atp/shop/echo`, '{')).toMatchObject({ status: 400, json: { code: 'invalid_json' } })
    expect(await firstToolUrl(`${base}/utcp`)).toBe(`${base}/atp/shop/echo/`)
  })

  it.each([
    { type: VersioningType.URI, defaultVersion: '1' },
    { type: VersioningType.HEADER, header: 'x-version', defaultVersion: '1' },
    { type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion: '1' },
  ] as const)('has one address whatever the versions of the app are: %o', async (versioning) => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), ...open })] })
    await using running = await startApp(module, adapter(), (app) =>
      app.setGlobalPrefix('api').enableVersioning(versioning),
    )
    expect(await post(`${running.url}/api/atp/shop/echo`, { text: 'a' })).toMatchObject({ status: 200 })
    expect(await firstToolUrl(`${running.url}/api/utcp`)).toBe(`${running.url}/api/atp/shop/echo/`)
  })

  it('may be imported twice, with different paths', async () => {
    const imports = [
      AtpModule.forRoot({ clients: createShop(), ...open }),
      AtpModule.forRoot({ clients: createShop({ appName: 'office' }), path: 'admin', utcpPath: '/manual', ...open }),
    ]
    await using running = await startApp(appModule({ imports }), adapter())
    expect((await send(`${running.url}/admin/atp/`)).json.toolkits).toEqual([{ toolkit: 'office', app_name: 'office' }])
    expect((await send(`${running.url}/atp/`)).json.toolkits).toEqual([{ toolkit: 'shop', app_name: 'shop' }])
    expect((await send(`${running.url}/atp/office/`)).status).toBe(404)
    expect(await firstToolUrl(`${running.url}/admin/manual/`)).toBe(`${running.url}/admin/atp/office/echo/`)
  })

  it('serves what is registered later in the registry that it was given', async () => {
    const registry = createRegistry()
    await using running = await startApp(
      appModule({ imports: [AtpModule.forRoot({ clients: registry, ...open })] }),
      adapter(),
    )
    expect((await send(`${running.url}/atp/later/`)).status).toBe(404)
    registry.registerClient('later', createShop())
    expect((await send(`${running.url}/atp/later/`)).status).toBe(200)
  })

  it('gives authorize and env the request of the platform', async () => {
    const module = appModule({
      imports: [
        AtpModule.forRoot<{ headers: Record<string, string>; originalUrl: string }>({
          clients: createShop(),
          authorize: ({ native }) => ({ id: native.headers['x-user'] ?? 'nobody' }),
          env: ({ originalUrl }) => ({ originalUrl }),
        }),
      ],
    })
    await using running = await startApp(module, adapter())
    expect((await post(`${running.url}/atp/shop/echo`, {}, { 'x-user': 'ann' })).json.result).toMatchObject({
      principal: { id: 'ann' },
      env: { originalUrl: '/atp/shop/echo' },
    })
  })

  it('passes on what only looks like its own to the app', async () => {
    @Controller('atp-news')
    class News {
      @Get()
      list(): string {
        return 'news'
      }
    }
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), ...open })], controllers: [News] })
    await using running = await startApp(module, adapter())
    expect(await send(`${running.url}/atp-news`)).toMatchObject({ status: 200, text: 'news' })
    expect(await send(`${running.url}/atpx`)).toMatchObject({ status: 404, json: { message: 'Cannot GET /atpx' } })
  })

  it('works in an app that Test of @nestjs/testing makes', async () => {
    const imports = [AtpModule.forRoot({ clients: createShop(), ...open })]
    const testing = await Test.createTestingModule({ imports }).compile()
    const app = testing.createNestApplication(adapter(), { logger: false })
    await app.listen(0, '127.0.0.1')
    expect(await post(`${await app.getUrl()}/atp/shop/echo`, '{')).toMatchObject({ json: { code: 'invalid_json' } })
    await app.close()
  })

  it('may be used for one app after another', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), ...open })] })
    for (const _turn of [1, 2]) {
      await using running = await startApp(module, adapter())
      expect(await post(`${running.url}/atp/shop/echo`)).toMatchObject({ status: 200 })
    }
  })
})

describe('AtpModule.forRootAsync', () => {
  @Injectable()
  class Settings {
    readonly key = 'a key of the settings'
  }

  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  it.each(platforms)(
    'takes its options from other providers, and its path beside them, on %s',
    async (_name, adapter) => {
      const atp = AtpModule.forRootAsync({
        path: '/tools',
        utcpPath: false,
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async ({ key }: Settings) => ({ clients: createShop(), authorize: { keys: [key] } }),
      })
      await using running = await startApp(appModule({ imports: [atp] }), adapter())
      const url = `${running.url}/tools/atp/shop/echo`
      expect((await post(url)).status).toBe(401)
      expect((await post(url, {}, { authorization: 'Bearer a key of the settings' })).status).toBe(401)
      expect((await send(`${running.url}/tools/utcp`)).status).toBe(404)
    },
  )

  it.each([{ path: '/x' }, { utcpPath: '/x' }])(
    'refuses %o from the factory, where it comes too late',
    async (late) => {
      const atp = AtpModule.forRootAsync({ useFactory: () => late as object })
      await expect(startApp(appModule({ imports: [atp] }))).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringContaining('beside useFactory'),
      })
    },
  )
})

describe('an AtpModule that cannot be', () => {
  it.each(['/a b', 'a//b', '/:id', '/*'])('refuses the path %j', (path) => {
    expect(() => AtpModule.forRoot({ path })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })

  it.each([
    [{ authorize: 'nobody' }, 'invalid_config'],
    [{ utcpPath: '/atp/manual' }, 'invalid_config'],
    [{ clients: {} }, 'invalid_config'],
    [{ clients: [createShop(), createShop()] }, 'toolkit_name_conflict'],
    [{ clients: new Toolkit({ appName: 'a/b' }) }, 'invalid_name'],
  ])('fails the start with %o', async (options, code) => {
    const module = appModule({ imports: [AtpModule.forRoot(options as object)] })
    await expect(startApp(module)).rejects.toMatchObject({ code })
  })

  it('fails the start where another one has its path, naming it', async () => {
    const imports = [AtpModule.forRoot({ path: '/a' }), AtpModule.forRoot({ path: 'a/', utcpPath: '/other' })]
    await expect(startApp(appModule({ imports }))).rejects.toThrow(/Two AtpModules serve \/a\/atp/)
  })

  it('fails the start on a platform it does not know', async () => {
    class OtherAdapter extends ExpressAdapter {
      override getType(): string {
        return 'other'
      }
    }
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop() })] })
    await expect(startApp(module, new OtherAdapter())).rejects.toThrow(/Express or Fastify/)
  })
})

describe('an AtpModule among others', () => {
  it('follows the prefix that RouterModule gives it', async () => {
    const imports = [
      AtpModule.forRoot({ clients: createShop(), ...open }),
      RouterModule.register([{ path: 'internal', module: AtpModule }]),
    ]
    await using running = await startApp(appModule({ imports }))
    expect(await firstToolUrl(`${running.url}/internal/utcp`)).toBe(`${running.url}/internal/atp/shop/echo/`)
  })

  it('knows its address in an app that another Express app mounts', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), ...open })] })
    const outer = new ExpressAdapter()
    const inner = await NestFactory.create(module, new ExpressAdapter(), { logger: false })
    await inner.init()
    outer.use('/outer', inner.getHttpAdapter().getInstance())
    await using running = await startApp(appModule({}), outer)
    const url = `${running.url}/outer/atp/shop/echo/`
    expect(await firstToolUrl(`${running.url}/outer/utcp`)).toBe(url)
    expect(await post(url, { text: 'a' })).toMatchObject({ status: 200 })
    await inner.close()
  })

  it('needs no HTTP at all: an application context has its tools and clients', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop() })] })
    const context = await NestFactory.createApplicationContext(module, { logger: false })
    const host: HttpAdapterHost<AbstractHttpAdapter> = context.get(HttpAdapterHost)
    expect(host.httpAdapter).toBeFalsy()
    await context.close()
  })
})
