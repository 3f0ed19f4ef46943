/** Something the shop cannot do for its customer, in words that the customer may read. */
export class ShopError extends Error {
  readonly reason: 'missing' | 'conflict' | 'denied' | 'invalid'

  constructor(reason: ShopError['reason'], message: string) {
    super(message)
    this.name = 'ShopError'
    this.reason = reason
  }
}
