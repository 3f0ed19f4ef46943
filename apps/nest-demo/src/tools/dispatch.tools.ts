import { AtpTool, AtpToolkit } from '@atp/nest'
import { Inject, UseGuards } from '@nestjs/common'
import { z } from 'zod'
import { CurrentStaff } from '../access/current-staff.ts'
import { LeadGuard } from '../access/lead.guard.ts'
import type { Order } from '../orders/order.ts'
import { OrdersService } from '../orders/orders.service.ts'

const idParams = z.object({ id: z.int().describe('Such as 1001') })

/** More tools of the same toolkit. They know who calls, so Nest makes this class anew for each request. */
@AtpToolkit('orders')
export class DispatchTools {
  constructor(
    @Inject(OrdersService) private readonly orders: OrdersService,
    @Inject(CurrentStaff) private readonly staff: CurrentStaff,
  ) {}

  @AtpTool({ description: 'Sends a picked order to its customer', params: idParams })
  ship_order({ id }: z.infer<typeof idParams>): Order {
    return this.orders.ship(id, this.staff.name)
  }

  @UseGuards(LeadGuard)
  @AtpTool({
    description: 'Cancels an order that nobody picked yet',
    params: idParams,
    annotations: { destructive: true },
  })
  cancel_order({ id }: z.infer<typeof idParams>): Order {
    return this.orders.cancel(id, this.staff.name)
  }
}
