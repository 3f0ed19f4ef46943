import { Inject, Injectable, Scope } from '@nestjs/common'
import { REQUEST } from '@nestjs/core'
import type { StaffRequest } from './staff.guard.ts'

/** Who of the staff sent the request; made anew for each. */
@Injectable({ scope: Scope.REQUEST })
export class CurrentStaff {
  constructor(@Inject(REQUEST) private readonly request: StaffRequest) {}

  get name(): string {
    return this.request.staff?.name ?? 'somebody'
  }
}
