import { randomBytes } from 'node:crypto'
import { type Customer, customers, openingStock, type Product } from './shop-data.ts'
import { ShopError } from './shop-error.ts'

/** So many of one product. */
export interface Line {
  sku: string
  quantity: number
}

/** What a purchase would cost. */
export interface Quote {
  goodsPence: number
  deliveryPence: number
  totalPence: number
}

/** A paid purchase. */
export interface Order {
  readonly id: string
  readonly customerId: string
  readonly lines: readonly Line[]
  readonly totalPence: number
  status: 'paid' | 'packing' | 'packed' | 'cancelled'
  trackingCode?: string
}

/** What to look for on the shelf. */
export interface ProductFilter {
  text?: string | undefined
  kind?: Product['kind'] | undefined
  maxPricePence?: number | undefined
  inStock?: boolean | undefined
}

/** A tea shop in memory: shelf, baskets, customers and orders. It knows nothing of Express, and nothing of tools. */
export class Shop {
  readonly #products = new Map(openingStock().map((product) => [product.sku, product]))
  readonly #customers = customers()
  readonly #sessions = new Map<string, Customer>()
  readonly #baskets = new Map<string, Map<string, number>>()
  readonly #orders = new Map<string, Order>()

  products({ text = '', kind, maxPricePence, inStock }: ProductFilter = {}): Product[] {
    const wanted = text.trim().toLowerCase()
    return [...this.#products.values()].filter(
      (product) =>
        `${product.name} ${product.about}`.toLowerCase().includes(wanted) &&
        (kind === undefined || product.kind === kind) &&
        (maxPricePence === undefined || product.pricePence <= maxPricePence) &&
        (!inStock || product.stock > 0),
    )
  }

  /** @throws ShopError `missing` */
  product(sku: string): Product {
    const product = this.#products.get(sku)
    if (product === undefined) throw new ShopError('missing', `The shop has no product "${sku}"`)
    return product
  }

  /** @throws ShopError `missing`, or `conflict` when there is not enough on the shelf */
  quote(lines: readonly Line[], country: string): Quote {
    let goodsPence = 0
    for (const { sku, quantity } of lines) {
      const { name, pricePence, stock } = this.product(sku)
      if (quantity > stock) throw new ShopError('conflict', `Only ${stock} of "${name}" left, not ${quantity}`)
      goodsPence += pricePence * quantity
    }
    const deliveryPence = deliveryPrice(goodsPence, country)
    return { goodsPence, deliveryPence, totalPence: goodsPence + deliveryPence }
  }

  /** Returns the customer's token. @throws ShopError `denied` */
  signIn(email: string, password: string): string {
    const customer = this.#customers.find((one) => one.email === email && one.password === password)
    if (customer === undefined) throw new ShopError('denied', 'No customer has this address and password')
    const token = `tea_${randomBytes(12).toString('hex')}`
    this.#sessions.set(token, customer)
    return token
  }

  /** Who has this token. @throws ShopError `denied` */
  customer(token: string | undefined): Customer {
    const customer = this.#sessions.get(token ?? '')
    if (customer === undefined) throw new ShopError('denied', 'The token is not that of a signed-in customer')
    return customer
  }

  openBasket(): string {
    const id = randomBytes(6).toString('hex')
    this.#baskets.set(id, new Map())
    return id
  }

  /** @throws ShopError `missing` */
  basket(id: string): Line[] {
    return [...this.#basket(id)].map(([sku, quantity]) => ({ sku, quantity }))
  }

  /** Puts so many of a product into a basket; 0 takes it out. @throws ShopError `missing` */
  setQuantity(basketId: string, sku: string, quantity: number): void {
    const basket = this.#basket(basketId)
    if (quantity === 0) basket.delete(sku)
    else basket.set(this.product(sku).sku, quantity)
  }

  /** Turns a basket into a paid order and empties it. @throws ShopError `missing`, `conflict` or `denied` */
  checkOut(basketId: string, token: string | undefined): Order {
    const customer = this.customer(token)
    const lines = this.basket(basketId)
    if (lines.length === 0) throw new ShopError('conflict', 'The basket is empty')
    const { totalPence } = this.quote(lines, customer.country)
    for (const { sku, quantity } of lines) this.product(sku).stock -= quantity
    const id = `o-${1001 + this.#orders.size}`
    const order: Order = { id, customerId: customer.id, lines, totalPence, status: 'paid' }
    this.#orders.set(id, order)
    this.#basket(basketId).clear()
    return order
  }

  orders(filter: { status?: Order['status'] | undefined; customerId?: string | undefined } = {}): Order[] {
    return [...this.#orders.values()].filter(
      (order) =>
        (filter.status === undefined || order.status === filter.status) &&
        (filter.customerId === undefined || order.customerId === filter.customerId),
    )
  }

  /** @throws ShopError `missing`, or `conflict` when somebody packs it already or it cannot be packed any more */
  startPacking(orderId: string): Order {
    return this.#move(orderId, 'paid', 'packing')
  }

  /** @throws ShopError as {@link startPacking} */
  finishPacking(orderId: string): Order {
    const order = this.#move(orderId, 'packing', 'packed')
    order.trackingCode = `LK${randomBytes(4).toString('hex').toUpperCase()}`
    return order
  }

  /** Back on the list of what is to be packed. @throws ShopError as {@link startPacking} */
  abandonPacking(orderId: string): void {
    this.#move(orderId, 'packing', 'paid')
  }

  /** Cancels a customer's own order and puts everything back. @throws ShopError `missing` or `conflict` */
  cancel(orderId: string, customer: Customer): Order {
    // Somebody else's order looks like none.
    if (this.#orders.get(orderId)?.customerId !== customer.id) throw noOrder(orderId)
    const order = this.#move(orderId, 'paid', 'cancelled')
    for (const { sku, quantity } of order.lines) this.product(sku).stock += quantity
    return order
  }

  #basket(id: string): Map<string, number> {
    const basket = this.#baskets.get(id)
    if (basket === undefined) throw new ShopError('missing', `There is no basket "${id}"`)
    return basket
  }

  #move(orderId: string, from: Order['status'], to: Order['status']): Order {
    const order = this.#orders.get(orderId)
    if (order === undefined) throw noOrder(orderId)
    if (order.status !== from) throw new ShopError('conflict', `Order ${orderId} is ${order.status}, not ${from}`)
    order.status = to
    return order
  }
}

function deliveryPrice(goodsPence: number, country: string): number {
  if (country !== 'GB') return 1_250
  return goodsPence >= 4_000 ? 0 : 395
}

function noOrder(orderId: string): ShopError {
  return new ShopError('missing', `There is no order "${orderId}"`)
}
