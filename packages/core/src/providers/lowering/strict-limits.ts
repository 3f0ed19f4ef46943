import type { JsonSchema } from '../../protocol/schema-limits.ts'
import { LoweringRefusal } from './lowering-refusal.ts'

/** What OpenAI's guide to structured outputs says a schema of strict mode may be at most. */
export const strictLimits = {
  properties: 5_000,
  objectLevels: 10,
  enumValues: 1_000,
  /** Of all names of properties and values of `enum` together. */
  characters: 120_000,
  /** Above so many values of one `enum`, their texts together may be so long. */
  longEnum: { values: 250, characters: 15_000 },
} as const

/** Checks a schema in strict form. @throws LoweringRefusal `schema_too_large` or `schema_too_deep` */
export function checkStrictLimits(schema: JsonSchema): void {
  const counts = { properties: 0, enumValues: 0, characters: 0 }
  const refuse = (problem: string): never => {
    throw new LoweringRefusal('schema_too_large', `strict mode allows ${problem}`)
  }
  const visit = (node: JsonSchema, level: number): void => {
    if (Array.isArray(node.enum)) countEnum(node.enum, counts, refuse)
    for (const branch of (node.anyOf as JsonSchema[] | undefined) ?? []) visit(branch, level)
    if (node.items !== undefined) visit(node.items as JsonSchema, level)
    if (node.properties === undefined) return
    if (level >= strictLimits.objectLevels) {
      throw new LoweringRefusal('schema_too_deep', `strict mode allows ${strictLimits.objectLevels} levels of objects`)
    }
    for (const [name, property] of Object.entries(node.properties as Record<string, JsonSchema>)) {
      counts.properties += 1
      counts.characters += name.length
      visit(property, level + 1)
    }
  }
  visit(schema, 0)
  if (counts.properties > strictLimits.properties) refuse(`${strictLimits.properties} properties`)
  if (counts.enumValues > strictLimits.enumValues) refuse(`${strictLimits.enumValues} values of enums`)
  if (counts.characters > strictLimits.characters)
    refuse(`${strictLimits.characters} characters of names and values of enums`)
}

function countEnum(
  values: readonly unknown[],
  counts: { enumValues: number; characters: number },
  refuse: (problem: string) => never,
): void {
  const length = values.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 0), 0)
  counts.enumValues += values.length
  counts.characters += length
  const { values: many, characters } = strictLimits.longEnum
  if (values.length > many && length > characters)
    refuse(`${characters} characters in an enum of more than ${many} values`)
}
