/** A unit: its value in the base unit of its kind is `value * factor + offset`. */
export interface Unit {
  readonly symbol: string
  readonly name: string
  readonly kind: UnitKind
  readonly factor: number
  /** Where its zero lies, for temperatures. */
  readonly offset?: number
}

/** What can be converted into each other. */
export type UnitKind = 'length' | 'mass' | 'volume' | 'temperature' | 'speed' | 'data'

/** All units, by symbol. Factors are exact by definition where there is one. */
export const units: ReadonlyMap<string, Unit> = new Map(
  (
    [
      { symbol: 'm', name: 'metre', kind: 'length', factor: 1 },
      { symbol: 'mm', name: 'millimetre', kind: 'length', factor: 0.001 },
      { symbol: 'cm', name: 'centimetre', kind: 'length', factor: 0.01 },
      { symbol: 'km', name: 'kilometre', kind: 'length', factor: 1_000 },
      { symbol: 'in', name: 'inch', kind: 'length', factor: 0.0254 },
      { symbol: 'ft', name: 'foot', kind: 'length', factor: 0.3048 },
      { symbol: 'yd', name: 'yard', kind: 'length', factor: 0.9144 },
      { symbol: 'mi', name: 'mile', kind: 'length', factor: 1_609.344 },
      { symbol: 'nmi', name: 'nautical mile', kind: 'length', factor: 1_852 },
      { symbol: 'kg', name: 'kilogram', kind: 'mass', factor: 1 },
      { symbol: 'g', name: 'gram', kind: 'mass', factor: 0.001 },
      { symbol: 't', name: 'tonne', kind: 'mass', factor: 1_000 },
      { symbol: 'oz', name: 'ounce', kind: 'mass', factor: 0.028349523125 },
      { symbol: 'lb', name: 'pound', kind: 'mass', factor: 0.45359237 },
      { symbol: 'l', name: 'litre', kind: 'volume', factor: 1 },
      { symbol: 'ml', name: 'millilitre', kind: 'volume', factor: 0.001 },
      { symbol: 'gal', name: 'US gallon', kind: 'volume', factor: 3.785411784 },
      { symbol: 'pt', name: 'US pint', kind: 'volume', factor: 0.473176473 },
      { symbol: 'K', name: 'kelvin', kind: 'temperature', factor: 1 },
      { symbol: '°C', name: 'degree Celsius', kind: 'temperature', factor: 1, offset: 273.15 },
      { symbol: '°F', name: 'degree Fahrenheit', kind: 'temperature', factor: 5 / 9, offset: (459.67 * 5) / 9 },
      { symbol: 'm/s', name: 'metre per second', kind: 'speed', factor: 1 },
      { symbol: 'km/h', name: 'kilometre per hour', kind: 'speed', factor: 1 / 3.6 },
      { symbol: 'mph', name: 'mile per hour', kind: 'speed', factor: 0.44704 },
      { symbol: 'kn', name: 'knot', kind: 'speed', factor: 1_852 / 3_600 },
      { symbol: 'B', name: 'byte', kind: 'data', factor: 1 },
      { symbol: 'kB', name: 'kilobyte', kind: 'data', factor: 1_000 },
      { symbol: 'MB', name: 'megabyte', kind: 'data', factor: 1_000_000 },
      { symbol: 'KiB', name: 'kibibyte', kind: 'data', factor: 1_024 },
      { symbol: 'MiB', name: 'mebibyte', kind: 'data', factor: 1_048_576 },
    ] satisfies Unit[]
  ).map((unit) => [unit.symbol, unit]),
)

/** Names that people type for a symbol. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['C', '°C'],
  ['celsius', '°C'],
  ['F', '°F'],
  ['fahrenheit', '°F'],
  ['L', 'l'],
])

/** The kinds there are, in order. */
export const unitKinds: readonly UnitKind[] = [...new Set([...units.values()].map(({ kind }) => kind))]

/** A value with its unit. */
export interface Quantity {
  readonly value: number
  /** The unit's symbol. */
  readonly unit: string
}

/** Converts a value, to ten significant digits. @throws UnitError for an unknown unit, or two that do not fit */
export function convertUnit(value: number, from: string, to: string): Quantity {
  const source = findUnit(from)
  const target = findUnit(to)
  if (source.kind !== target.kind) {
    throw new UnitError(`"${source.symbol}" is a ${source.kind} and "${target.symbol}" a ${target.kind}`)
  }
  const inBase = value * source.factor + (source.offset ?? 0)
  const converted = (inBase - (target.offset ?? 0)) / target.factor
  return { value: Number(converted.toPrecision(10)), unit: target.symbol }
}

/** Finds a unit by its symbol, as people write it. @throws UnitError */
export function findUnit(symbol: string): Unit {
  const unit = units.get(aliases.get(symbol) ?? symbol)
  if (unit !== undefined) return unit
  throw new UnitError(`There is no unit "${symbol.slice(0, 20)}"; known are ${[...units.keys()].join(', ')}`)
}

/** Units that cannot be converted. */
export class UnitError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnitError'
  }
}
