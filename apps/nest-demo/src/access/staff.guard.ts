import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import {
  type CanActivate,
  type CustomDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
  UnauthorizedException,
} from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { type Settings, type StaffMember, settingsToken } from '../settings.ts'

/** A request, and who of the staff sent it once the guard let it in. */
export interface StaffRequest {
  readonly headers: IncomingHttpHeaders
  staff?: StaffMember
}

const openKey = 'open-to-all'

/** Lets everybody in to a route or a controller. */
export const OpenToAll = (): CustomDecorator => SetMetadata(openKey, true)

/** The guard of the whole app, its tools included: who is not of the staff comes no further than open routes. */
@Injectable()
export class StaffGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(settingsToken) private readonly settings: Settings,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.reflector.getAllAndOverride(openKey, [context.getHandler(), context.getClass()])) return true
    const request: StaffRequest = context.switchToHttp().getRequest()
    const given = bearerOf(request.headers)
    const member = this.settings.staff.find(({ key }) => given !== undefined && sameText(given, key))
    if (!member) throw new UnauthorizedException('This is for the staff: send "Authorization: Bearer KEY"')
    request.staff = member
    return true
  }
}

/** The bearer token of a request. */
export function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
}

function sameText(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
