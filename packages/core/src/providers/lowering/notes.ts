import { isJsonObject } from '../../protocol/json.ts'
import { dataKeywords, type JsonSchema, namedSubschemas } from '../../protocol/schema-limits.ts'
import type { LoweringContext, Place } from './lowering-context.ts'

/** How long the keywords in one description may be, in characters. */
const maxConstraintsLength = 1_000
/** How many parts a schema may have to be written into a description. */
const maxNoteParts = 100

/** What a description has to say beside what the author wrote. */
export interface Notes {
  sentences: string[]
  /** Keywords the provider does not take. */
  constraints: JsonSchema
}

/** No notes yet. */
export function createNotes(): Notes {
  return { sentences: [], constraints: {} }
}

/** Moves those keywords of a node that the provider does not take into its notes. */
export function moveKeywords(
  keys: readonly string[],
  node: JsonSchema,
  notes: Notes,
  place: Place,
  context: LoweringContext,
): void {
  for (const key of keys) {
    if (node[key] !== undefined && !context.rules.keywords.has(key)) moveKeyword(key, node[key], notes, place, context)
  }
}

/** Says a keyword in the description instead; one that is too long to say is left out, which is a loss. */
export function moveKeyword(key: string, value: unknown, notes: Notes, place: Place, context: LoweringContext): void {
  const copy = copyForText(value, key, { parts: maxNoteParts, context })
  if (copy === undefined || JSON.stringify(copy.value).length > maxConstraintsLength) {
    context.change(
      'keyword_dropped',
      place,
      `"${key}" left out`,
      `${context.rules.provider} does not take it, and it is too long for a description`,
    )
    return
  }
  notes.constraints[key] = copy.value
  context.change(
    'keyword_moved',
    place,
    `"${key}" moved into the description`,
    `${context.rules.provider} does not take it`,
  )
}

/**
 * The author's description followed by the notes: sentences, then the keywords as one line of JSON that begins with
 * `Constraints: `. Undefined where there is nothing to say.
 */
export function writeDescription(
  text: unknown,
  notes: Notes,
  place: Place,
  context: LoweringContext,
): string | undefined {
  const constraints = { ...notes.constraints }
  while (JSON.stringify(constraints).length > maxConstraintsLength) {
    const longest = Object.keys(constraints).reduce((a, b) =>
      lengthOf(constraints[b]) > lengthOf(constraints[a]) ? b : a,
    )
    delete constraints[longest]
    context.change('keyword_dropped', place, `"${longest}" left out`, 'the description would be too long')
  }
  const lines = [
    ...(typeof text === 'string' && text !== '' ? [text] : []),
    ...(notes.sentences.length > 0 ? [notes.sentences.join(' ')] : []),
    ...(Object.keys(constraints).length > 0 ? [`Constraints: ${JSON.stringify(constraints)}`] : []),
  ]
  if (lines.length === 0) return undefined
  const written = lines.join('\n')
  context.write(written.length)
  return written
}

function lengthOf(value: unknown): number {
  return JSON.stringify(value).length
}

interface Copying {
  parts: number
  context: LoweringContext
}

/** A copy with references inlined; undefined where that takes too many parts. */
function copyForText(value: unknown, key: string, copying: Copying): { value: unknown } | undefined {
  copying.context.spend(1)
  copying.parts -= 1
  if (copying.parts < 0) return undefined
  if (typeof value === 'string' && value.length > maxConstraintsLength) return undefined
  if (Array.isArray(value)) {
    const items = value.map((item) =>
      copying.parts < 0 ? undefined : copyForText(item, dataKeywords.has(key) ? key : '', copying),
    )
    return items.includes(undefined) ? undefined : { value: items.map((item) => item?.value) }
  }
  if (!isJsonObject(value)) return { value }
  if (!dataKeywords.has(key) && typeof value.$ref === 'string' && !namedSubschemas.has(key)) {
    const target = copying.context.references.resolve(value.$ref)
    return target && !target.cyclic ? copyForText(target.schema, '', copying) : undefined
  }
  const members: [string, unknown][] = []
  for (const [name, member] of Object.entries(value)) {
    const inner = dataKeywords.has(key) ? key : namedSubschemas.has(key) ? '' : name
    const copy = copyForText(member, inner, copying)
    if (copy === undefined) return undefined
    members.push([name, copy.value])
  }
  return { value: Object.fromEntries(members) }
}
