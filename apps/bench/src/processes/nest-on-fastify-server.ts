import type { AddressInfo } from 'node:net'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { serveParent } from '../children/serve-parent.ts'
import { maxBodyBytes, type RouteData } from '../load/echo-route.ts'
import { createNestEcho } from '../load/nest-echo.ts'

serveParent(async ({ kind }: RouteData) => {
  const adapter = new FastifyAdapter({ bodyLimit: maxBodyBytes })
  const app = await NestFactory.create<NestFastifyApplication>(createNestEcho(kind), adapter, { logger: false })
  await app.listen(0, '127.0.0.1')
  return { port: (app.getHttpServer().address() as AddressInfo).port }
})
