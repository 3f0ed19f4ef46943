import { encodePointer, format, type Schema, type SchemaDraft, ucs2length } from '@cfworker/json-schema'
import { isJsonObject } from '../protocol/json.ts'
import { checkArray } from './check-array.ts'
import { checkNumber } from './check-number.ts'
import { checkObject } from './check-object.ts'
import { checkAnyType, checkCombinations } from './check-value.ts'

/** A pattern on an engine that does not backtrack (rule I5). */
export interface LinearPattern {
  /** Whether it is found anywhere in the text. */
  test(text: string): boolean
  /** The most states that one character of a text leads through: what a test costs. */
  readonly size: number
}

/**
 * Compiles a `pattern`, or a name in `patternProperties`.
 * @throws Error that says in words why it cannot be used
 */
export type CompilePattern = (pattern: string) => LinearPattern

/** A schema whose references and patterns are resolved. */
export interface PreparedSchema {
  readonly draft: SchemaDraft
  readonly lookup: Readonly<Record<string, Schema | boolean>>
  readonly patterns: ReadonlyMap<string, LinearPattern>
}

/** One thing that a value gets wrong; told in words only if it is shown. */
export interface Problem {
  keyword: string
  place: Place | undefined
  message: () => string
}

/** Where in a value something is, from the inside out; undefined for the value itself. */
export interface Place {
  readonly parent: Place | undefined
  readonly key: string | number
}

/** The members or items that a schema, or those it consists of, had a say in. */
export type Evaluated = Record<string | number, true>

/** How many subschemas, characters and comparisons one check may take: a second or two of work. */
const maxSteps = 1_000_000

/** References that lead in circles go deeper than any value. */
const maxDepth = 500

const statesPerStep = 32

/** A check that gave up: the schema makes more of the value than it is worth. */
export class TooMuchWork extends Error {}

/** One check of one value. It means what `validate` of `@cfworker/json-schema` means, without backtracking. */
export class SchemaRun {
  readonly draft: SchemaDraft
  readonly problems: Problem[] = []
  readonly #prepared: PreparedSchema
  #steps = 0
  #depth = 0

  constructor(prepared: PreparedSchema) {
    this.#prepared = prepared
    this.draft = prepared.draft
  }

  /** Whether the value fits; adds what does not to the problems. @throws TooMuchWork */
  visit(
    schema: Schema | boolean,
    value: unknown,
    place: Place | undefined,
    evaluated: Evaluated = Object.create(null),
  ): boolean {
    // Nobody vouches for the schema: what is none says nothing.
    if (schema === true || (schema !== false && !isJsonObject(schema))) return true
    if (schema === false) return this.fail('false', place, () => 'False boolean schema.')
    this.spend(1)
    this.#depth += 1
    if (this.#depth > maxDepth) throw new TooMuchWork()
    const before = this.problems.length
    this.#visitAll(schema, value, place, evaluated)
    this.#depth -= 1
    return this.problems.length === before
  }

  /** Visits; the problems of a value that does not fit come after one that says what they are part of. */
  visitAs(
    outer: Problem,
    schema: Schema | boolean,
    value: unknown,
    place: Place | undefined,
    evaluated?: Evaluated,
  ): boolean {
    const before = this.problems.push(outer) - 1
    if (!this.visit(schema, value, place, evaluated)) return false
    this.problems.length = before
    return true
  }

  /** Whether the value fits, without a word about why not. */
  fits(schema: Schema | boolean, value: unknown, place: Place | undefined, evaluated?: Evaluated): boolean {
    const before = this.problems.length
    const valid = this.visit(schema, value, place, evaluated)
    this.problems.length = before
    return valid
  }

  fail(keyword: string, place: Place | undefined, message: () => string): false {
    this.spend(1)
    this.problems.push({ keyword, place, message })
    return false
  }

  matches(pattern: string, text: string): boolean {
    const linear = this.#prepared.patterns.get(pattern)
    if (linear === undefined) throw new Error(`The pattern ${pattern} was not compiled`)
    this.spend(1 + (text.length * linear.size) / statesPerStep)
    return linear.test(text)
  }

  /** @throws TooMuchWork */
  spend(steps: number): void {
    this.#steps += steps
    if (this.#steps > maxSteps) throw new TooMuchWork()
  }

  #visitAll(schema: Schema, value: unknown, place: Place | undefined, evaluated: Evaluated): void {
    if (schema.$ref !== undefined) {
      const target = this.#prepared.lookup[schema.__absolute_ref__ ?? schema.$ref] ?? false
      this.visitAs(
        { keyword: '$ref', place, message: () => 'A subschema had errors.' },
        target,
        value,
        place,
        evaluated,
      )
      // In draft 7 nothing beside a reference counts.
      if (this.draft === '7') return
    }
    checkAnyType(this, schema, value, place)
    checkCombinations(this, schema, value, place, evaluated)
    if (typeof value === 'string') this.#checkText(schema, value, place)
    else if (typeof value === 'number') checkNumber(this, schema, value, place)
    else if (Array.isArray(value)) checkArray(this, schema, value, place, evaluated)
    else if (typeof value === 'object' && value !== null) {
      checkObject(this, schema, value as Record<string, unknown>, place, evaluated)
    }
  }

  #checkText(schema: Schema, text: string, place: Place | undefined): void {
    const { minLength, maxLength, pattern, format: name } = schema
    if (minLength !== undefined || maxLength !== undefined) {
      this.spend(text.length / statesPerStep)
      const length = ucs2length(text)
      if (minLength !== undefined && length < minLength) {
        this.fail('minLength', place, () => `String is too short (${length} < ${minLength}).`)
      }
      if (maxLength !== undefined && length > maxLength) {
        this.fail('maxLength', place, () => `String is too long (${length} > ${maxLength}).`)
      }
    }
    if (pattern !== undefined && !this.matches(String(pattern), text)) {
      this.fail('pattern', place, () => 'String does not match pattern.')
    }
    const isOfFormat = name !== undefined && Object.hasOwn(format, name) ? format[name] : undefined
    if (isOfFormat !== undefined) {
      this.spend(text.length / statesPerStep)
      if (!isOfFormat(text)) this.fail('format', place, () => `String does not match format "${name}".`)
    }
  }
}

/** A place as people read it: `list.1.name`. */
export function placeText(place: Place | undefined): string {
  const keys: string[] = []
  for (let at = place; at !== undefined; at = at.parent) keys.unshift(keyText(at.key))
  return keys.join('.')
}

/** Dots and slashes inside a name are not those between names. */
function keyText(key: string | number): string {
  try {
    return encodePointer(String(key))
  } catch {
    // Half of a character has no encoding.
    return JSON.stringify(key)
  }
}
