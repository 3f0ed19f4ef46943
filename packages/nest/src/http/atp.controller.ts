import { Readable } from 'node:stream'
import { type AtpResponse, dropAnswer, writeNodeResponse } from '@atp/core/http'
import { All, Body, Controller, Inject, NotFoundException, Req, Res, type Type, VERSION_NEUTRAL } from '@nestjs/common'
import { AtpMount } from '../atp-mount.ts'
import { callOrigin } from './call-origin.ts'
import { MountedRequest } from './mounted-request.ts'
import type { PlatformName, PlatformRequest, PlatformResponse } from './platform.ts'
import { markAsOurs } from './route-mark.ts'

/** Makes the controller of one mount: Nest keeps paths and dependencies with the class, so each mount has its own. */
export function createAtpController(path: string): Type {
  class AtpController {
    private readonly mount: AtpMount

    constructor(mount: AtpMount) {
      this.mount = mount
    }

    async handle(request: PlatformRequest, response: PlatformResponse, body: unknown): Promise<void> {
      const { mount } = this
      const atpRequest = new MountedRequest(request, response, body, mount.routes)
      const answer = mount.needsOrigin
        ? callOrigin.run({ request, response }, () => mount.handle(atpRequest))
        : mount.handle(atpRequest)
      // A platform's router may find a route regardless of case; core does not.
      if (answer === undefined) throw new NotFoundException(`Cannot ${request.method} ${request.url}`)
      await write(response, await answer)
    }
  }
  const { prototype } = AtpController
  Inject(AtpMount)(AtpController, undefined, 0)
  Req()(prototype, 'handle', 0)
  Res()(prototype, 'handle', 1)
  // So that the app's pipes see it. The answer goes out as it is, whatever interceptors make of it: it is a protocol's.
  Body()(prototype, 'handle', 2)
  Reflect.defineMetadata('design:paramtypes', [Object, Object, Object], prototype, 'handle')
  Controller({ path, version: VERSION_NEUTRAL })(AtpController)
  return AtpController
}

/** Gives a mount's controller its routes, in the platform's own words for a wildcard. */
export function mapRoutes(controller: Type, mount: AtpMount, platform: PlatformName): void {
  const handle = Object.getOwnPropertyDescriptor(controller.prototype, 'handle') as PropertyDescriptor
  mount.routes = routesOf(mount, platform)
  All([...mount.routes])(controller.prototype, 'handle', handle)
  markAsOurs(controller.prototype, 'handle', handle)
}

/** Fastify tells both slash forms apart, and Nest registers but one. */
function routesOf({ utcpPath }: AtpMount, platform: PlatformName): string[] {
  const manual = utcpPath === undefined ? [] : [utcpPath]
  if (platform === 'express') return ['/atp', '/atp/*rest', ...manual]
  return ['/atp', '/atp/*', ...manual, ...manual.map((path) => `${path}/*`)]
}

async function write(response: PlatformResponse, answer: AtpResponse): Promise<void> {
  if (response.raw === undefined) return writeNodeResponse(response, answer)
  // The app has answered already, such as an interceptor that waits no longer.
  if (response.raw.headersSent) return dropAnswer(answer)
  const { status, headers, body } = answer
  const reply = response.code(status).headers(headers)
  reply.send(typeof body === 'object' ? toStream(body) : body)
  // Hooks of the app may take their time, and Nest takes the end of its handler for the end of the answer.
  if (!reply.sent) await reply
}

/** Begins with an empty text: headers leave with the first write, and the first event may be long in coming. */
function toStream(events: AsyncIterable<string>): Readable {
  const stream = Readable.from(events)
  stream.push('')
  return stream
}
