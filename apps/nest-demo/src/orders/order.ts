/** What an order goes through. */
export const orderStatuses = ['placed', 'picked', 'shipped', 'cancelled'] as const

/** Where an order stands. */
export type OrderStatus = (typeof orderStatuses)[number]

/** Some of one part. */
export interface OrderLine {
  readonly sku: string
  readonly quantity: number
  readonly pricePence: number
}

/** What a customer ordered. */
export interface Order {
  readonly id: number
  readonly customerId: string
  readonly status: OrderStatus
  /** Who shipped or cancelled it. */
  readonly handledBy: string | null
  readonly lines: readonly OrderLine[]
  readonly totalPence: number
}

/** Something on a shelf. */
export interface Part {
  readonly sku: string
  readonly name: string
  readonly pricePence: number
  readonly stock: number
}
