import { once } from 'node:events'
import { createServer as createTcpServer } from 'node:net'
import { AtpError, ToolKitClient } from '@atp/core'
import { Injectable, Logger, type LoggerService, type OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { AtpClientService, AtpModule, AtpTool, AtpToolkit } from '../../src/index.ts'
import { appModule } from '../support/module.ts'
import { startApp } from '../support/platforms.ts'
import { startServer } from '../support/server.ts'
import { createShop } from '../support/shop.ts'

const released = Promise.withResolvers<void>()
const entered = Promise.withResolvers<void>()
const order: string[] = []

@Injectable()
class Database implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    order.push('database closed')
  }
}

@AtpToolkit('orders')
class OrderTools {
  @AtpTool({ description: 'Adds', params: z.object({ a: z.number(), b: z.number() }) })
  add({ a, b }: { a: number; b: number }): number {
    return a + b
  }

  @AtpTool({ description: 'Takes its time' })
  async slow(): Promise<string> {
    entered.resolve()
    await released.promise
    order.push('tool ended')
    return 'done'
  }
}

/** Catches what is logged to Nest, once an app has taken the logger. */
function recordingLogger(lines: string[]): LoggerService {
  const keep = (level: string) => (message: unknown) => void lines.push(`${level} ${String(message)}`)
  return { log: keep('log'), warn: keep('warn'), error: keep('error'), debug: keep('debug'), verbose: keep('verbose') }
}

async function closedPort(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

afterEach(() => {
  Logger.overrideLogger(undefined as never)
})

describe('AtpClientService', () => {
  it('connects clients when the app has started, and drains them before it ends', async () => {
    await using server = await startServer()
    const apiKey = await server.toolkitKey('orders')
    const client = new ToolKitClient({ appName: 'orders', apiKey, baseUrl: server.url })
    const lines: string[] = []
    const module = appModule({
      imports: [AtpModule.forRoot({ clients: [client, createShop()], connect: true })],
      providers: [OrderTools, Database],
    })
    const running = await startApp(module, undefined, undefined, { logger: recordingLogger(lines) })
    const service = running.app.get(AtpClientService)
    expect(service.clients).toEqual([client])
    await client.whenRegistered()
    expect(client.state).toBe('connected')
    expect(await server.llm.call({ toolkitId: 'orders', tool: 'add', params: { a: 1, b: 2 } })).toBe(3)
    expect(lines).toContain('log Toolkit "orders" is connected')

    const slow = server.llm.call({ toolkitId: 'orders', tool: 'slow' })
    await entered.promise
    const closing = running.app.close()
    await vi.waitFor(() => expect(client.state).toBe('stopping'))
    released.resolve()
    expect(await slow).toBe('done')
    await closing
    expect(order).toEqual(['tool ended', 'database closed'])
    expect(client.state).toBe('stopped')
  })

  it('connects without any HTTP in an application context', async () => {
    await using server = await startServer()
    const apiKey = await server.toolkitKey('orders')
    const client = new ToolKitClient({ appName: 'orders', apiKey, baseUrl: server.url })
    const module = appModule({
      imports: [AtpModule.forRoot({ clients: client, connect: true })],
      providers: [OrderTools],
    })
    const context = await NestFactory.createApplicationContext(module, { logger: false })
    await client.whenRegistered()
    expect(await server.llm.call({ toolkitId: 'orders', tool: 'add', params: { a: 2, b: 2 } })).toBe(4)
    await context.close()
    expect(client.state).toBe('stopped')
  })

  it('connects nobody unless told to', async () => {
    const client = new ToolKitClient({ appName: 'orders', apiKey: 'atp_toolkit_x' })
    const module = appModule({ imports: [AtpModule.forRoot({ clients: client })] })
    await using running = await startApp(module)
    expect(running.app.get(AtpClientService).clients).toEqual([])
    expect(client.state).toBe('idle')
  })

  it('lets the app start while the server is away, and says so in the log', async () => {
    const client = new ToolKitClient({ appName: 'orders', apiKey: 'atp_toolkit_x', baseUrl: await closedPort() })
    const lines: string[] = []
    const module = appModule({ imports: [AtpModule.forRoot({ clients: client, connect: true })] })
    const running = await startApp(module, undefined, undefined, { logger: recordingLogger(lines) })
    await vi.waitFor(() => {
      expect(lines).toContainEqual(
        expect.stringMatching(/^warn Toolkit "orders" is not connected and tries again in \d+ ms/),
      )
    })
    await running.app.close()
    expect(client.state).toBe('stopped')
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([])
  })

  it('logs a key that the server refuses, and the app goes on', async () => {
    await using server = await startServer()
    const client = new ToolKitClient({ appName: 'orders', apiKey: 'atp_toolkit_wrong', baseUrl: server.url })
    const lines: string[] = []
    const module = appModule({ imports: [AtpModule.forRoot({ clients: client, connect: true })] })
    await using running = await startApp(module, undefined, undefined, { logger: recordingLogger(lines) })
    // The server lets a refused peer wait for a second.
    await vi.waitFor(
      () => expect(lines).toContainEqual(expect.stringMatching(/^error Toolkit "orders" cannot connect: /)),
      { timeout: 15_000 },
    )
    expect(running.app.get(AtpClientService).clients[0]?.state).toBe('refused')
  })

  it('is one for all AtpModules, and starts a client once', async () => {
    const starts = vi.spyOn(ToolKitClient.prototype, 'start').mockResolvedValue()
    const client = new ToolKitClient({ appName: 'orders', apiKey: 'atp_toolkit_x' })
    const other = new ToolKitClient({ appName: 'other', apiKey: 'atp_toolkit_x' })
    const module = appModule({
      imports: [
        AtpModule.forRoot({ clients: client, connect: true }),
        AtpModule.forRoot({ clients: [client, other], connect: true, path: 'b' }),
      ],
    })
    await using running = await startApp(module)
    expect(running.app.get(AtpClientService).clients).toEqual([client, other])
    expect(starts).toHaveBeenCalledTimes(2)
    starts.mockRestore()
  })

  it('fails the start where there is nothing to connect', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), connect: true })] })
    await expect(startApp(module)).rejects.toSatisfy(
      (error) => error instanceof AtpError && /its `clients` have no ToolKitClient/.test(error.message),
    )
  })
})
