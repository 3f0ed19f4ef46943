/** Something on the shelf. */
export interface Product {
  readonly sku: string
  readonly name: string
  readonly kind: 'black' | 'green' | 'oolong' | 'herbal' | 'teaware'
  readonly about: string
  readonly pricePence: number
  readonly weightGrams: number
  stock: number
}

/** Somebody who can sign in. */
export interface Customer {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly password: string
  readonly country: string
}

/** What the shop opens with: the same on every start. */
export function openingStock(): Product[] {
  return [
    product('assam-2f', 'Assam Second Flush', 'black', 'Malty and dark; takes milk.', 890, 100, 40),
    product('darjeeling-ff', 'Darjeeling First Flush', 'black', 'Light, floral, brisk.', 1450, 100, 12),
    product('lapsang', 'Lapsang Souchong', 'black', 'Smoked over pine.', 1100, 100, 18),
    product('sencha', 'Sencha Kagoshima', 'green', 'Grassy and sweet; brew at 70 degrees.', 1250, 100, 25),
    product('dragonwell', 'Dragonwell', 'green', 'Pan-fired, with a taste of chestnut.', 1700, 100, 0),
    product('iron-goddess', 'Iron Goddess', 'oolong', 'Rolled leaves for many infusions.', 1580, 100, 9),
    product('rooibos', 'Rooibos', 'herbal', 'No caffeine; red and round.', 620, 150, 60),
    product('mint', 'Moroccan Mint', 'herbal', 'Whole spearmint leaves.', 540, 80, 33),
    product('glass-pot', 'Glass Teapot, 600 ml', 'teaware', 'With a strainer of steel.', 2490, 700, 7),
  ]
}

/** Two customers whose passwords everybody knows, for trying out. */
export function customers(): Customer[] {
  return [
    { id: 'c-ada', name: 'Ada', email: 'ada@example.com', password: 'first-flush', country: 'GB' },
    { id: 'c-blaise', name: 'Blaise', email: 'blaise@example.com', password: 'second-flush', country: 'FR' },
  ]
}

function product(
  sku: string,
  name: string,
  kind: Product['kind'],
  about: string,
  pricePence: number,
  weightGrams: number,
  stock: number,
): Product {
  return { sku, name, kind, about, pricePence, weightGrams, stock }
}
