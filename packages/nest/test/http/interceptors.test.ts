import { once } from 'node:events'
import { Toolkit } from '@atp/core'
import {
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Provider,
  RequestTimeoutException,
  type Type,
} from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
import { catchError, map, type Observable, tap, throwError, timeout } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { AtpModule } from '../../src/index.ts'
import { post, send } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'
import { createShop } from '../support/shop.ts'

type Intercept = (next: CallHandler, context: ExecutionContext) => Observable<unknown>

function intercepting(intercept: Intercept): Provider {
  const interceptor: NestInterceptor = { intercept: (context, next) => intercept(next, context) }
  return { provide: APP_INTERCEPTOR, useValue: interceptor }
}

function appWith(clients: Toolkit, intercept: Intercept): Type {
  return appModule({
    imports: [AtpModule.forRoot({ clients, authorize: 'public' })],
    providers: [intercepting(intercept)],
  })
}

/** A tool that says one thing and waits, and what its wait ended with. */
function patientToolkit(): { toolkit: Toolkit; ended: Promise<unknown>; release: () => void } {
  const toolkit = new Toolkit({ appName: 'patient' })
  const { promise: ended, resolve } = Promise.withResolvers<unknown>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  toolkit.registerTool({ name: 'stream', description: 'Yields, then waits' }, async function* (_args, { signal }) {
    try {
      yield 'first'
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      resolve(signal.reason)
    }
  })
  toolkit.registerTool({ name: 'late', description: 'Answers when it is released' }, async () => {
    await released
    resolve('answered')
    return 'late'
  })
  return { toolkit, ended, release }
}

describe.each(platforms)('interceptors of the app on %s', (_name, adapter) => {
  it('stand around every request, until its answer is written', async () => {
    const seen: string[] = []
    const toolkit = new Toolkit({ appName: 'shop' })
    toolkit.registerTool({ name: 'look', description: 'Leaves a mark' }, () => seen.push('tool'))
    const module = appWith(toolkit, (next, context) => {
      seen.push(`before ${context.getHandler().name} of ${context.getClass().name}`)
      return next
        .handle()
        .pipe(
          tap(() =>
            seen.push(
              `after ${context.switchToHttp().getResponse().raw?.headersSent ?? context.switchToHttp().getResponse().headersSent}`,
            ),
          ),
        )
    })
    await using running = await startApp(module, adapter())
    expect((await post(`${running.url}/atp/shop/look`)).status).toBe(200)
    expect(seen).toEqual(['before handle of AtpController', 'tool', 'after true'])
    await send(`${running.url}/utcp`)
    expect(seen).toHaveLength(5)
  })

  it('stand around a stream until its last event', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const toolkit = new Toolkit({ appName: 'shop' })
    toolkit.registerTool({ name: 'count', description: 'Counts' }, async function* () {
      yield* [1, 2, 3]
    })
    const module = appWith(toolkit, (next) => next.handle().pipe(tap(() => resolve())))
    await using running = await startApp(module, adapter())
    const answer = await post(`${running.url}/atp/shop/count`, {}, { accept: 'text/event-stream' })
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(answer.text).toContain('id: 4\nevent: result\ndata: {"result":[1,2,3]}\n\n')
    await ended
  })

  it('cannot change what goes out: it is what the protocol says', async () => {
    const module = appWith(createShop(), (next) => next.handle().pipe(map((data) => ({ data }))))
    await using running = await startApp(module, adapter())
    expect(Object.keys((await post(`${running.url}/atp/shop/echo`, { text: 'a' })).json)).toEqual(['result'])
    expect((await send(`${running.url}/atp`)).json).toEqual({ toolkits: [{ toolkit: 'shop', app_name: 'shop' }] })
  })

  it('answer in place of a call that takes too long; what it answers later is dropped', async () => {
    const { toolkit, ended, release } = patientToolkit()
    await using running = await startApp(appWith(toolkit, impatient), adapter())
    const answer = await post(`${running.url}/atp/patient/late`)
    expect(answer).toMatchObject({ status: 408, json: { message: 'Request Timeout' } })
    release()
    expect(await ended).toBe('answered')
    expect((await send(`${running.url}/atp`)).status).toBe(200)
  })

  it('leave no tool to run after they answered', async () => {
    const toolkit = new Toolkit({ appName: 'patient' })
    const run = vi.fn()
    toolkit.registerTool({ name: 'stream', description: 'Leaves a mark' }, run)
    const { promise: permitted, resolve: permit } = Promise.withResolvers<boolean>()
    const module = appModule({
      imports: [AtpModule.forRoot({ clients: toolkit, authorize: () => permitted })],
      providers: [intercepting(impatient)],
    })
    await using running = await startApp(module, adapter())
    const answer = await post(`${running.url}/atp/patient/stream`, {}, { accept: 'text/event-stream' })
    expect(answer.status).toBe(408)
    permit(true)
    // What was permitted goes on long before another request is answered.
    expect((await send(`${running.url}/atp`)).status).toBe(200)
    expect(run).not.toHaveBeenCalled()
  })

  it('may end a stream, and its tool hears of it', async () => {
    const { toolkit, ended } = patientToolkit()
    await using running = await startApp(appWith(toolkit, impatient), adapter())
    const answer = await post(`${running.url}/atp/patient/stream`, {}, { accept: 'text/event-stream' })
    expect(answer.text).toBe('id: 1\nevent: chunk\ndata: "first"\n\n')
    expect(await ended).toMatchObject({ code: 'cancelled' })
    expect((await send(`${running.url}/atp`)).status).toBe(200)
  })
})

function impatient(next: CallHandler): Observable<unknown> {
  return next.handle().pipe(
    timeout(50),
    catchError(() => throwError(() => new RequestTimeoutException())),
  )
}
