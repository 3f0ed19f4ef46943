import type { INestApplication, NestApplicationOptions, Type } from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { PlatformName } from '../../src/http/platform.ts'

/** Both platforms of Nest, for tests that hold on either. */
export const platforms: readonly (readonly [PlatformName, () => AbstractHttpAdapter])[] = [
  ['express', () => new ExpressAdapter()],
  ['fastify', () => new FastifyAdapter()],
]

/** An app that listens on a free port, and ends with the block that holds it. */
export interface RunningApp extends AsyncDisposable {
  readonly app: INestApplication
  readonly url: string
}

/** Starts an app; `prepare` stands for what its `main.ts` would do. */
export async function startApp(
  module: Type,
  adapter: AbstractHttpAdapter = new ExpressAdapter(),
  prepare: (app: INestApplication) => void = () => {},
  options: NestApplicationOptions = {},
): Promise<RunningApp> {
  const app = await NestFactory.create(module, adapter, { logger: false, abortOnError: false, ...options })
  prepare(app)
  try {
    await app.listen(0, '127.0.0.1')
  } catch (error) {
    await app.close()
    throw error
  }
  return { app, url: await app.getUrl(), [Symbol.asyncDispose]: () => app.close() }
}
