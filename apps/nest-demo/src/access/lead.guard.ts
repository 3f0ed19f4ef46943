import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common'
import type { StaffRequest } from './staff.guard.ts'

/** For what only leads may do, on a route or on a tool. */
@Injectable()
export class LeadGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { staff }: StaffRequest = context.switchToHttp().getRequest()
    if (staff?.isLead) return true
    throw new ForbiddenException('Only a lead may do this')
  }
}
