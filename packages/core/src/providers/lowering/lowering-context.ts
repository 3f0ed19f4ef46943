import type { JsonSchema } from '../../protocol/schema-limits.ts'
import type { ProviderRules } from '../provider-rules.ts'
import type { Fold } from './fold.ts'
import { LoweringRefusal } from './lowering-refusal.ts'
import type { References } from './references.ts'

/** One thing that was changed so that a provider takes a tool. */
export interface ToolChange {
  /** Stable, such as `recursion_cut`; `docs/providers.md` lists them all. */
  code: ChangeCode
  /** Where in the tool's own schema, as a JSON Pointer (RFC 6901); empty for the root and for name and description. */
  path: string
  /** What was done. */
  what: string
  /** The rule that asks for it. */
  why: string
  /** Whether the model can say or read less than before. Only such changes become warnings. */
  loses: boolean
}

/** Every kind of change, and whether it loses something. */
export const changeCodes = {
  name_shortened: false,
  reference_inlined: false,
  keyword_moved: false,
  form_changed: false,
  property_renamed: false,
  root_wrapped: false,
  made_nullable: false,
  map_as_list: false,
  tuple_as_object: false,
  value_as_json: false,
  closed: false,
  not_strict: true,
  description_cut: true,
  recursion_cut: true,
  property_dropped: true,
  tuple_narrowed: true,
  keyword_dropped: true,
} as const

/** The stable name of a kind of change. */
export type ChangeCode = keyof typeof changeCodes

/** A schema in the provider's form, and the way back for its values. */
export interface Lowered {
  schema: JsonSchema
  fold: Fold | undefined
}

/** `never` holds for no value; `cut` neither, but only because recursion ends here. */
export type Outcome = Lowered | 'never' | 'cut'

/** Where in the original a part stands. */
export interface Place {
  path: string
  /** How deep the lowered schema is nested here. */
  depth: number
  /** How many references of a cycle were followed to get here. */
  levels: number
}

/** The deepest nesting of a lowered schema. Ours: no provider but OpenAI's strict mode documents one. */
export const maxLoweredDepth = 64

/** How many changes of a tool are remembered. */
const maxChanges = 200

/** What the schemas of one request may unfold to together; lowering uses it up. */
export interface Allowance {
  parts: number
}

/** An allowance for the tools of one toolkit: ours, a second of work at most on a slow machine. */
export function createAllowance(): Allowance {
  return { parts: 131_072 }
}

/** What one lowering of one schema has to go by and has used up. */
export class LoweringContext {
  readonly rules: ProviderRules
  readonly references: References
  readonly maxLevels: number
  readonly changes: Map<string, ToolChange> = new Map()
  readonly #maxNodes: number
  readonly #allowance: Allowance
  #nodes = 0
  #characters = 0

  constructor(
    references: References,
    rules: ProviderRules,
    limits: { maxLevels: number; maxNodes: number },
    allowance: Allowance,
  ) {
    this.rules = rules
    this.references = references
    this.#allowance = allowance
    this.maxLevels = limits.maxLevels
    this.#maxNodes = limits.maxNodes
  }

  /** Remembers a change; the same one at the same place once, however often a reference leads there. */
  change(code: ChangeCode, place: { path: string }, what: string, why: string): void {
    const key = `${code} ${place.path} ${what}`
    if (this.changes.size >= maxChanges || this.changes.has(key)) return
    this.changes.set(key, { code, path: place.path, what, why, loses: changeCodes[code] })
  }

  /** Counts work, so that a small schema cannot unfold without end. @throws LoweringRefusal `schema_too_large` */
  spend(nodes: number): void {
    this.#nodes += nodes
    this.#allowance.parts -= nodes
    if (this.#allowance.parts < 0) {
      throw new LoweringRefusal('schema_too_large', 'the tools of its toolkit unfold to too many parts together')
    }
    if (this.#nodes > this.#maxNodes) {
      throw new LoweringRefusal('schema_too_large', `it unfolds to more than ${this.#maxNodes} parts`)
    }
  }

  /** Counts text of the lowered schema. @throws LoweringRefusal `schema_too_large` */
  write(characters: number): void {
    this.#characters += characters
    if (this.#characters > this.rules.maxSchemaBytes) throw tooManyBytes(this.rules)
  }

  /** The place of a part. @throws LoweringRefusal `schema_too_deep` */
  below(place: Place, ...steps: string[]): Place {
    return this.deeper(
      place,
      place.path + steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    )
  }

  /** A place one level deeper, under any path. @throws LoweringRefusal `schema_too_deep` */
  deeper(place: Place, path: string): Place {
    if (place.depth >= maxLoweredDepth) {
      throw new LoweringRefusal(
        'schema_too_deep',
        `it is nested deeper than ${maxLoweredDepth} levels, references followed`,
      )
    }
    return { path, depth: place.depth + 1, levels: place.levels }
  }
}

/** The refusal of a schema that is too long as text. */
export function tooManyBytes(rules: ProviderRules): LoweringRefusal {
  return new LoweringRefusal('schema_too_large', `it unfolds to more than ${rules.maxSchemaBytes} bytes`)
}

/** Whether a lowering found values for the schema. */
export function isLowered(outcome: Outcome): outcome is Lowered {
  return typeof outcome !== 'string'
}
