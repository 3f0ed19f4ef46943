import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { serveParent } from '../children/serve-parent.ts'
import { maxBodyBytes, type RouteData } from '../load/echo-route.ts'
import { createNestEcho } from '../load/nest-echo.ts'

serveParent(async ({ kind }: RouteData) => {
  const app = await NestFactory.create<NestExpressApplication>(createNestEcho(kind), { logger: false })
  app.disable('x-powered-by')
  app.useBodyParser('json', { limit: maxBodyBytes })
  await app.listen(0, '127.0.0.1')
  return { port: ((app.getHttpServer() as Server).address() as AddressInfo).port }
})
