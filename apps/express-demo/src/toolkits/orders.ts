import { Toolkit } from '@atp/core'
import { z } from 'zod'
import type { Shop } from '../shop.ts'
import type { Warehouse } from '../warehouse.ts'

/** The customer signs in to the shop; the token never is a parameter, and no model sees it. */
const customerAuth = { provider: 'leaf_and_kettle', type: 'OAuth2', with: 'access_token' } as const

const orderId = z.string().describe('Such as o-1001')

/** What the shop's own assistants may do: with a staff key, and for customers only with the customer's token. */
export function createOrdersToolkit(shop: Shop, warehouse: Warehouse): Toolkit {
  const toolkit = new Toolkit({ appName: 'orders', caption: 'Packs orders and looks after customers' })

  toolkit.registerTool(
    {
      name: 'list_orders',
      description: 'All orders of the shop, oldest first',
      params: z.object({ status: z.enum(['paid', 'packing', 'packed', 'cancelled']).optional() }),
      annotations: { readOnly: true, idempotent: true },
    },
    ({ status }) => ({ orders: shop.orders({ status }) }),
  )

  toolkit.registerTool(
    {
      name: 'pack_order',
      description: 'Packs a paid order line by line, tells each one, and ends with the tracking code',
      params: z.object({ orderId }),
    },
    async function* ({ orderId }, { progress, signal }) {
      const { lines } = shop.startPacking(orderId)
      try {
        for (const [index, line] of lines.entries()) {
          await warehouse.pick(line, signal)
          progress({ progress: index + 1, total: lines.length })
          yield { picked: shop.product(line.sku).name, quantity: line.quantity }
        }
        return { orderId, trackingCode: shop.finishPacking(orderId).trackingCode }
      } finally {
        // The caller is gone, or a shelf was empty: the next one may pack it.
        if (shop.orders({ status: 'packing' }).some((order) => order.id === orderId)) shop.abandonPacking(orderId)
      }
    },
  )

  toolkit.registerTool(
    {
      name: 'my_orders',
      description: "The customer's own orders",
      auth: customerAuth,
      annotations: { readOnly: true, idempotent: true },
    },
    (_args, { authToken }) => {
      const { id, name } = shop.customer(authToken)
      return { customer: name, orders: shop.orders({ customerId: id }) }
    },
  )

  toolkit.registerTool(
    {
      name: 'cancel_my_order',
      description: "Cancels an order of the customer's own that nobody packs yet",
      params: z.object({ orderId }),
      auth: customerAuth,
      annotations: { destructive: true },
    },
    ({ orderId }, { authToken }) => shop.cancel(orderId, shop.customer(authToken)),
  )

  return toolkit
}
