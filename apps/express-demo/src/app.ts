import { atpRouter } from '@atp/express'
import express from 'express'
import { Shop } from './shop.ts'
import { shopErrors, shopRoutes } from './shop-routes.ts'
import { createCatalogueToolkit } from './toolkits/catalogue.ts'
import { createOrdersToolkit } from './toolkits/orders.ts'
import { createWarehouse, type Warehouse } from './warehouse.ts'

/** What the shop is started with. */
export interface ShopAppOptions {
  /** Who may run the tools of the staff. */
  staffKeys: readonly string[]
  warehouse?: Warehouse
}

/** The whole app: its own pages, the public catalogue as tools, and the staff's tools under a path of their own. */
export function createApp({ staffKeys, warehouse = createWarehouse() }: ShopAppOptions): express.Express {
  const shop = new Shop()
  const app = express()
  app.disable('x-powered-by')

  // Before the body parsers: the tools' routes read their bodies themselves, and pass on what is not theirs.
  app.use(atpRouter(createCatalogueToolkit(shop), { authorize: 'public', title: 'Leaf & Kettle catalogue' }))
  app.use('/staff', atpRouter(createOrdersToolkit(shop, warehouse), { authorize: { keys: staffKeys } }))

  app.use(express.json({ limit: '10kb' }))
  app.use(shopRoutes(shop))
  app.use(shopErrors)
  return app
}
