import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'

/** What callers send: coordinates may be texts. */
export interface PointInput {
  x: number | string
  y: number | string
}

/** What handlers get. */
export interface Point {
  x: number
  y: number
}

/** How a {@link pointSchema} deviates from the plain one. */
export interface PointSchemaOptions {
  /** Validates in a promise, as libraries with asynchronous rules do. */
  asynchronous?: boolean
  /** Takes the place of its own check. */
  validate?: (value: unknown) => Promise<StandardSchemaV1.Result<Point>>
  /** The dialects it can describe itself in. */
  targets?: string[]
  /** What it claims as its JSON Schema. */
  jsonSchema?: unknown
}

const coordinate = { anyOf: [{ type: 'number' }, { type: 'string', pattern: '^-?[0-9]+$' }] }

/** A hand-written schema library of one schema: Standard Schema and Standard JSON Schema, nothing of zod. */
export function pointSchema(
  options: PointSchemaOptions = {},
): StandardSchemaV1<PointInput, Point> & StandardJSONSchemaV1<PointInput, Point> {
  const { targets = ['draft-2020-12', 'draft-07'], asynchronous = false } = options
  const plain = { type: 'object', properties: { x: coordinate, y: coordinate }, required: ['x', 'y'] }
  const jsonSchema = 'jsonSchema' in options ? options.jsonSchema : plain
  const describe = ({ target }: StandardJSONSchemaV1.Options): Record<string, unknown> => {
    if (!targets.includes(target)) throw new Error(`target ${target} is not supported`)
    if (typeof jsonSchema !== 'object' || jsonSchema === null) return jsonSchema as never
    return { $schema: `https://json-schema.org/${target}/schema`, ...jsonSchema }
  }
  return {
    '~standard': {
      version: 1,
      vendor: 'points',
      validate: options.validate ?? ((value) => (asynchronous ? Promise.resolve(readPoint(value)) : readPoint(value))),
      jsonSchema: { input: describe, output: describe },
    },
  }
}

function readPoint(value: unknown): StandardSchemaV1.Result<Point> {
  const point: Record<string, number> = {}
  for (const axis of ['x', 'y']) {
    const given = Number((value as Record<string, unknown>)[axis])
    if (Number.isNaN(given)) return { issues: [{ message: 'must be a number', path: [{ key: axis }] }] }
    point[axis] = given
  }
  return { value: point as unknown as Point }
}
