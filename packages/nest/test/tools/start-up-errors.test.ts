import { type ToolDefinition, Toolkit } from '@atp/core'
import { Controller, Module, type Type, UseFilters, UseInterceptors, UsePipes } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { AtpModule, type AtpModuleOptions, AtpTool, AtpToolkit } from '../../src/index.ts'
import { appModule } from '../support/module.ts'
import { startApp } from '../support/platforms.ts'

/** Starts an app with the providers, and tells what it failed with. */
async function startError(
  providers: Type[],
  ...options: AtpModuleOptions[]
): Promise<{ code: string; message: string }> {
  const mounts = options.length === 0 ? [{}] : options
  const module = appModule({ imports: mounts.map((mount) => AtpModule.forRoot(mount)), providers })
  try {
    await using _running = await startApp(module)
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('the app started')
}

/** A class with one tool, made as decorators would. */
function toolClass(
  definition: object,
  method: (...args: never[]) => unknown,
  toolkit: string | undefined = 'shop',
): Type {
  class Tools {
    run(): unknown {
      return undefined
    }
  }
  Tools.prototype.run = method as () => unknown
  const descriptor = Object.getOwnPropertyDescriptor(Tools.prototype, 'run') as PropertyDescriptor
  AtpTool(definition as ToolDefinition<undefined>)(Tools.prototype, 'run', descriptor)
  if (toolkit !== undefined) AtpToolkit(toolkit)(Tools)
  return Tools
}

const tool = { description: 'Runs' }

describe('an app does not start', () => {
  it('with two tools of one name in a toolkit', async () => {
    @AtpToolkit('shop')
    class Orders {
      @AtpTool(tool)
      find(): void {}
    }
    @AtpToolkit('shop')
    class Products {
      @AtpTool({ ...tool, name: 'find' })
      findProduct(): void {}
    }
    expect(await startError([Orders, Products])).toMatchObject({
      code: 'duplicate_tool',
      message:
        'Orders.find and Products.findProduct are both tool "find" of toolkit "shop"; give one of them another name',
    })
  })

  it('with a tool that its toolkit in code has already', async () => {
    const shop = new Toolkit({ appName: 'shop' })
    shop.registerTool({ name: 'run', description: 'Runs' }, () => null)
    const error = await startError([toolClass(tool, () => null)], { clients: shop })
    expect(error).toMatchObject({ code: 'duplicate_tool', message: expect.stringMatching(/^@AtpTool on Tools.run: /) })
  })

  it('with a method that takes arguments and declares no params', async () => {
    const error = await startError([toolClass(tool, (args: unknown) => args)])
    expect(error.code).toBe('invalid_config')
    expect(error.message).toBe(
      'Tools.run takes arguments, but its @AtpTool has no `params`; add params: z.object({ … }), empty if it only needs the context',
    )
    const empty = { ...tool, params: z.object({}) }
    await using _running = await startApp(
      appModule({
        imports: [AtpModule.forRoot()],
        providers: [toolClass(empty, (_args: unknown, context: unknown) => context)],
      }),
    )
  })

  it.each([
    [{ params: z.object({}) }, 'invalid_request'],
    [{ ...tool, name: 'two words' }, 'invalid_name'],
    [{ ...tool, params: { type: 'string' } }, 'invalid_schema'],
    [{ ...tool, params: z.object({ access_token: z.string() }) }, 'invalid_schema'],
  ])('with a definition that is none: %o', async (definition, code) => {
    const error = await startError([toolClass(definition, () => null)])
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^@AtpTool on Tools.run: /) })
  })

  it('with tools in a class without @AtpToolkit', async () => {
    class Lost {
      @AtpTool(tool)
      run(): void {}
    }
    const error = await startError([Lost])
    expect(error.message).toMatch(/^Lost has methods with @AtpTool, but no @AtpToolkit; decorate the class/)
  })

  it('with tools in a controller', async () => {
    @Controller()
    @AtpToolkit('shop')
    class Shop {
      @AtpTool(tool)
      run(): void {}
    }
    const module = appModule({ imports: [AtpModule.forRoot()], controllers: [Shop] })
    await expect(startApp(module)).rejects.toThrow(/^Shop is a controller; tools belong to a provider/)
  })

  it('with a class that two modules provide', async () => {
    const Shop = toolClass(tool, () => null)
    @Module({ providers: [Shop] })
    class ShopModule {}
    @Module({ providers: [Shop] })
    class OfficeModule {}
    const module = appModule({ imports: [AtpModule.forRoot(), ShopModule, OfficeModule] })
    await expect(startApp(module)).rejects.toThrow(/^Tools is provided twice, by ShopModule and OfficeModule;/)
  })

  it('with a class that two AtpModules claim, by name or by saying nothing', async () => {
    const Shop = toolClass(tool, () => null)
    const message = /^Tools is claimed by two AtpModules, at \/atp and \/b\/atp; give each the option `toolkits`/
    expect((await startError([Shop], {}, { path: 'b' })).message).toMatch(message)
    const named = { toolkits: [Shop] }
    expect((await startError([Shop], named, { path: 'b', ...named })).message).toMatch(message)
  })

  it('with a class that no AtpModule serves', async () => {
    const Shop = toolClass(tool, () => null)
    expect((await startError([Shop], { toolkits: [] })).message).toMatch(/^No AtpModule serves Tools;/)
  })

  it('with a class in `toolkits` that nobody provides', async () => {
    const error = await startError([], { toolkits: [toolClass(tool, () => null)], path: '/a' })
    expect(error.message).toMatch(/^The AtpModule at \/a\/atp names Tools in `toolkits`, but no module provides it/)
  })

  it('with options of a toolkit that is there already', async () => {
    @AtpToolkit('shop', { apiKey: 'atp_toolkit_other' })
    class Shop {
      @AtpTool(tool)
      run(): void {}
    }
    const error = await startError([Shop], { clients: new Toolkit({ appName: 'shop' }) })
    expect(error.message).toMatch(/^@AtpToolkit\('shop'\) on Shop gives `apiKey`, but that toolkit is there already/)
  })

  it('with a toolkit whose name cannot stand in a path', async () => {
    const error = await startError([toolClass(tool, () => null, 'a/b')])
    expect(error).toMatchObject({ code: 'invalid_name' })
  })

  it.each([
    [
      '@UseInterceptors',
      UseInterceptors(
        class Unused {
          intercept(): void {}
        },
      ),
    ],
    [
      '@UsePipes',
      UsePipes(
        class Unused {
          transform(): void {}
        },
      ),
    ],
    [
      '@UseFilters',
      UseFilters(
        class Unused {
          catch(): void {}
        },
      ),
    ],
  ])('with %s on a tool or its class, where it would do nothing', async (name, decorate) => {
    const OnClass = toolClass(tool, () => null)
    decorate(OnClass)
    expect((await startError([OnClass])).message).toMatch(
      new RegExp(`^Tools carries ${name}, which does not run for tools`),
    )
    const OnMethod = toolClass(tool, () => null)
    decorate(
      OnMethod.prototype,
      'run',
      Object.getOwnPropertyDescriptor(OnMethod.prototype, 'run') as PropertyDescriptor,
    )
    expect((await startError([OnMethod])).message).toMatch(new RegExp(`^Tools.run carries ${name}, `))
  })
})

describe('decorators refuse', () => {
  const decorate = AtpTool(tool) as (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => void
  class Target {
    static run(): void {}
    run(): void {}
    get size(): number {
      return 1
    }
  }

  it.each([
    ['static methods', () => decorate(Target, 'run', Object.getOwnPropertyDescriptor(Target, 'run'))],
    ['methods without a name in text', () => decorate(Target.prototype, Symbol('run'), { value: () => null })],
    ['getters', () => decorate(Target.prototype, 'size', Object.getOwnPropertyDescriptor(Target.prototype, 'size'))],
    ['properties', () => decorate(Target.prototype, 'field')],
  ])('%s', (_title, act) => {
    expect(act).toThrow(/^@AtpTool on Target\./)
  })

  it('two definitions on one method', () => {
    expect(() => {
      class Shop {
        @AtpTool(tool)
        @AtpTool({ ...tool, name: 'again' })
        run(): void {}
      }
      return Shop
    }).toThrow(/^@AtpTool stands twice on Shop.run/)
  })

  it('a toolkit without a name', () => {
    expect(() => AtpToolkit('')(Target)).toThrow(/^@AtpToolkit on Target needs the toolkit's name/)
  })
})
