import type { JsonSchema } from '../../protocol/schema-limits.ts'
import type { ProviderSchema } from '../provider-format.ts'
import type { ProviderRules } from '../provider-rules.ts'
import { fits } from './fits.ts'
import type { Fold } from './fold.ts'
import { flatten, lowerNode } from './lower-node.ts'
import {
  type Allowance,
  isLowered,
  type Lowered,
  LoweringContext,
  type Place,
  type ToolChange,
  tooManyBytes,
} from './lowering-context.ts'
import { LoweringRefusal } from './lowering-refusal.ts'
import { mergeNodes } from './merge-nodes.ts'
import { readReferences } from './references.ts'
import { checkStrictLimits } from './strict-limits.ts'

/** A tool's input schema in a provider's form. */
export interface LoweredRoot {
  schema: ProviderSchema
  /** The way back of a call's arguments; undefined where they are the same. */
  fold: Fold | undefined
  changes: ToolChange[]
}

/** Keywords that OpenAI and Anthropic refuse beside the root's `type`. */
const refusedAtRoot = ['anyOf', 'oneOf', 'allOf', 'enum', 'const', 'not']

/**
 * How often references that go in circles are followed, and how many parts the whole may then have: the first pair
 * that is enough. Deep recursion is worth a page of text to a model, not a book.
 */
const attempts: readonly Attempt[] = [
  ...[8, 6, 5, 4, 3, 2].map((maxLevels) => ({ maxLevels, maxNodes: 400, maxJsonDepth: 32 })),
  { maxLevels: 1, maxNodes: 8_192, maxJsonDepth: 48 },
]

interface Attempt {
  maxLevels: number
  maxNodes: number
  /** How deep the JSON may be nested. Clients refuse contexts of more than 64 levels, tools and all. */
  maxJsonDepth: number
}

/**
 * Writes a tool's input schema in a provider's form. What fits the result fits the original once it is folded, except
 * for what the changes say moved into descriptions. The same schema always gives the same result, and a result given
 * again stays as it is.
 * @throws LoweringRefusal when there is no such form
 */
export function lowerRoot(root: JsonSchema, rules: ProviderRules, allowance: Allowance): LoweredRoot {
  const references = readReferences(root)
  let refusal: LoweringRefusal | undefined
  for (const limits of attempts) {
    try {
      return lowerOnce(root, new LoweringContext(references, rules, limits, allowance), limits)
    } catch (error) {
      if (!(error instanceof LoweringRefusal)) throw error
      if (!error.code.startsWith('schema_too_')) throw error
      refusal = error
    }
  }
  throw refusal
}

function lowerOnce(root: JsonSchema, context: LoweringContext, limits: Attempt): LoweredRoot {
  const { rules } = context
  const lowered = lowerArguments(root, context)
  const { schema, fold } = isObject(lowered.schema) ? lowered : box(lowered, context)
  if (JSON.stringify(schema).length > rules.maxSchemaBytes) throw tooManyBytes(rules)
  if (jsonDepth(schema) > limits.maxJsonDepth) {
    throw new LoweringRefusal('schema_too_deep', `its JSON is nested deeper than ${limits.maxJsonDepth} levels`)
  }
  if (rules.strict) checkStrictLimits(schema)
  return { schema: schema as ProviderSchema, fold, changes: [...context.changes.values()] }
}

/** Arguments are an object whatever their schema says, so only what it says of objects counts. */
function lowerArguments(root: JsonSchema, context: LoweringContext): Lowered {
  const place: Place = { path: '', depth: 0, levels: 0 }
  const flat = flatten(root, place, context)
  const node = typeof flat === 'string' ? flat : mergeNodes(flat.schema, { type: ['object'] }, context)
  if (typeof flat !== 'string' && node === 'never') {
    throw new LoweringRefusal('root_not_object', 'its input schema does not describe an object')
  }
  const outcome = typeof node === 'string' || typeof flat === 'string' ? 'never' : lowerNode(node, flat.place, context)
  if (isLowered(outcome)) return outcome
  throw new LoweringRefusal('unsatisfiable', 'no arguments can fit its input schema')
}

function isObject(schema: JsonSchema): boolean {
  return schema.type === 'object' && refusedAtRoot.every((keyword) => schema[keyword] === undefined)
}

function box({ schema, fold }: Lowered, context: LoweringContext): Lowered {
  const name = boxName(schema)
  const why = "the root of a tool's schema must be one plain object"
  context.change('root_wrapped', { path: '' }, `the arguments as the member "${name}"`, why)
  return {
    schema: { type: 'object', properties: { [name]: schema }, required: [name], additionalProperties: false },
    fold: { kind: 'box', name, inner: fold, fits: fits(schema) },
  }
}

/** A name that no branch has, so that arguments in a box look like arguments without one only where names are free. */
function boxName(schema: JsonSchema): string {
  const branches = [schema, ...((schema.anyOf ?? schema.oneOf ?? []) as JsonSchema[])]
  const taken = new Set(branches.flatMap((branch) => Object.keys((branch.properties as object | undefined) ?? {})))
  let name = 'input'
  for (let attempt = 2; taken.has(name); attempt += 1) name = `input_${attempt}`
  return name
}

function jsonDepth(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let deepest = 0
  for (const member of Object.values(value)) deepest = Math.max(deepest, jsonDepth(member))
  return deepest + 1
}
