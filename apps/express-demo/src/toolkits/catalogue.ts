import { Toolkit } from '@atp/core'
import { z } from 'zod'
import type { Shop } from '../shop.ts'

const kind = z.enum(['black', 'green', 'oolong', 'herbal', 'teaware'])

/** What everybody may ask: what there is, and what it would cost. */
export function createCatalogueToolkit(shop: Shop): Toolkit {
  const toolkit = new Toolkit({ appName: 'catalogue', caption: 'Finds tea and tells what it costs, delivery included' })

  toolkit.registerTool(
    {
      name: 'search_products',
      description: 'Finds products by words, kind and price. Prices are in pence. Without arguments: everything.',
      params: z.object({
        text: z.string().max(100).optional().describe('Words in the name or the description'),
        kind: kind.optional(),
        maxPricePence: z.number().int().positive().optional(),
        inStock: z.boolean().default(false).describe('Leave out what is sold out'),
      }),
      annotations: { readOnly: true, idempotent: true, title: 'Search products' },
    },
    (filter) => ({ products: shop.products(filter) }),
  )

  toolkit.registerTool(
    {
      name: 'get_product',
      description: 'Tells everything about one product',
      params: z.object({ sku: z.string() }),
      annotations: { readOnly: true, idempotent: true },
    },
    ({ sku }) => shop.product(sku),
  )

  toolkit.registerTool(
    {
      name: 'quote',
      description: 'What a purchase would cost in pence, delivery to a country included',
      params: z.object({
        lines: z.array(z.object({ sku: z.string(), quantity: z.number().int().min(1).max(99) })).min(1),
        country: z.string().length(2).default('GB').describe('Two letters, such as GB'),
      }),
      output: z.object({ goodsPence: z.number(), deliveryPence: z.number(), totalPence: z.number() }),
      annotations: { readOnly: true, idempotent: true },
    },
    ({ lines, country }) => shop.quote(lines, country),
  )

  return toolkit
}
