import { setTimeout as wait } from 'node:timers/promises'
import type { ToolContext } from '@atp/core'
import { AtpTool, AtpToolkit } from '@atp/nest'
import { Inject } from '@nestjs/common'
import { z } from 'zod'
import { type Customer, CustomersService } from '../customers/customers.service.ts'
import { type Order, orderStatuses, type Part } from '../orders/order.ts'
import { OrdersService } from '../orders/orders.service.ts'
import { type Settings, settingsToken } from '../settings.ts'

const listParams = z.object({ status: z.enum(orderStatuses).optional() })
const partParams = z.object({ text: z.string().max(100).optional().describe('Words in the name') })
const idParams = z.object({ id: z.int().describe('Such as 1001') })
const readOnly = { readOnly: true, idempotent: true }

/** What the staff's assistants may look up and do. */
@AtpToolkit('orders', {
  caption: 'Orders of Cog & Spoke, bicycle parts',
  instructions: 'Prices are in pence. An order is placed, then picked, then shipped.',
})
export class OrderTools {
  constructor(
    @Inject(OrdersService) private readonly orders: OrdersService,
    @Inject(CustomersService) private readonly customers: CustomersService,
    @Inject(settingsToken) private readonly settings: Settings,
  ) {}

  @AtpTool({
    description: 'Finds parts, with price and stock. Without arguments: all',
    params: partParams,
    annotations: readOnly,
  })
  find_parts({ text }: z.infer<typeof partParams>): { parts: Part[] } {
    return { parts: this.orders.parts(text) }
  }

  @AtpTool({ description: 'All orders, oldest first', params: listParams, annotations: readOnly })
  list_orders({ status }: z.infer<typeof listParams>): { orders: Order[] } {
    return { orders: this.orders.list({ status }) }
  }

  @AtpTool({ description: 'Tells everything about one order', params: idParams, annotations: readOnly })
  get_order({ id }: z.infer<typeof idParams>): Order {
    return this.orders.find(id)
  }

  @AtpTool({
    description: "The customer's own orders",
    params: z.object({}),
    auth: { provider: 'cog_and_spoke', type: 'OAuth2', with: 'access_token' },
    annotations: readOnly,
  })
  my_orders(_args: object, { authToken }: ToolContext): { customer: string; orders: Order[] } {
    const customer: Customer = this.customers.byToken(authToken)
    return { customer: customer.name, orders: this.orders.list({ customerId: customer.id }) }
  }

  @AtpTool({
    description: 'Fetches the parts of a placed order from their shelves, and tells each one',
    params: idParams,
  })
  async *pick_order(
    { id }: z.infer<typeof idParams>,
    { progress, signal }: ToolContext,
  ): AsyncGenerator<unknown, Order> {
    const { lines } = this.orders.startPicking(id)
    try {
      for (const [index, { sku, quantity }] of lines.entries()) {
        await wait(this.settings.pickMs, undefined, { signal })
        progress({ progress: index + 1, total: lines.length })
        yield { part: this.orders.part(sku).name, quantity }
      }
      return this.orders.picked(id)
    } finally {
      // The caller may be gone, or a shelf empty: then the next one may pick it.
      this.orders.endPicking(id)
    }
  }
}
