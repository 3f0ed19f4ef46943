import { isJsonObject } from '../../protocol/json.ts'
import { dataKeywords, type JsonSchema, namedSubschemas, referenceKeywords } from '../../protocol/schema-limits.ts'
import { LoweringRefusal } from './lowering-refusal.ts'

/** What a reference points at. */
export interface Target {
  schema: unknown
  /** The target's place as a JSON Pointer. */
  path: string
  /** Whether following references from here can lead back here. */
  cyclic: boolean
}

/** The references of one schema. */
export interface References {
  /** Undefined for what points outside the schema, or at nothing. */
  resolve(reference: string): Target | undefined
}

/**
 * Finds what each reference of a schema points at, and which of them go in circles (Tarjan, without recursion).
 * @throws LoweringRefusal `too_many_references`
 */
export function readReferences(root: JsonSchema): References {
  const anchors = new Map<string, string>()
  const byTarget = new Map<string, string[]>()
  const schemas = new Map<string, unknown>()
  const pointerOf = (reference: string): string | undefined => {
    if (reference === '#') return ''
    if (reference.startsWith('#/')) return decode(reference.slice(1))
    return reference.startsWith('#') ? anchors.get(reference.slice(1)) : undefined
  }
  const waiting = collect(root, '', anchors)
  const seen = new Set<string>()
  while (waiting.length > 0) {
    const pointer = pointerOf(waiting.pop() as string)
    if (pointer === undefined || seen.has(pointer)) continue
    seen.add(pointer)
    if (seen.size > maxTargets) {
      throw new LoweringRefusal('too_many_references', `its references point at more than ${maxTargets} places`)
    }
    const schema = find(root, pointer)
    if (schema === undefined) continue
    schemas.set(pointer, schema)
    const references = collect(schema, pointer, new Map())
    byTarget.set(
      pointer,
      references.flatMap((reference) => pointerOf(reference) ?? []),
    )
    waiting.push(...references)
  }
  const cyclic = findCyclic(byTarget)
  return {
    resolve(reference) {
      const path = pointerOf(reference)
      if (path === undefined || !schemas.has(path)) return undefined
      return { schema: schemas.get(path), path, cyclic: cyclic.has(path) }
    },
  }
}

/** How many distinct places references may point at. Ours: more than any honest schema of 64 KiB has. */
const maxTargets = 1_024

/** The references below a schema, those inside definitions left out: they only count when something points there. */
function collect(schema: unknown, base: string, anchors: Map<string, string>): string[] {
  const found: string[] = []
  const stack: { part: unknown; pointer: string; named: boolean; counts: boolean }[] = [
    { part: schema, pointer: base, named: false, counts: true },
  ]
  while (stack.length > 0) {
    const { part, pointer, named, counts } = stack.pop() as (typeof stack)[number]
    if (typeof part !== 'object' || part === null) continue
    for (const [key, value] of Object.entries(part)) {
      const step = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (named || Array.isArray(part)) stack.push({ part: value, pointer: step, named: false, counts })
      else if (referenceKeywords.has(key)) {
        if (typeof value === 'string' && counts) found.push(value)
      } else if (key === '$anchor' || key === '$dynamicAnchor') {
        if (typeof value === 'string') anchors.set(value, pointer)
      } else if (!dataKeywords.has(key) && !key.startsWith('x-')) {
        const isDefinition = key === '$defs' || key === 'definitions'
        stack.push({ part: value, pointer: step, named: namedSubschemas.has(key), counts: counts && !isDefinition })
      }
    }
  }
  return found
}

function decode(pointer: string): string {
  try {
    return decodeURIComponent(pointer)
  } catch {
    return pointer
  }
}

function find(root: unknown, pointer: string): unknown {
  let node = root
  for (const step of pointer === '' ? [] : pointer.slice(1).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!(isJsonObject(node) || Array.isArray(node)) || !Object.hasOwn(node, key)) return undefined
    node = (node as Record<string, unknown>)[key]
  }
  return node
}

/** Places that references lead back to: those of strongly connected components, and those that point at themselves. */
function findCyclic(edges: ReadonlyMap<string, readonly string[]>): Set<string> {
  const cyclic = new Set<string>()
  const order: string[] = []
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const open = new Set<string>()
  for (const start of edges.keys()) {
    if (index.has(start)) continue
    const work: { place: string; next: number }[] = [{ place: start, next: 0 }]
    while (work.length > 0) {
      const top = work.at(-1) as { place: string; next: number }
      const { place: node } = top
      if (top.next === 0) {
        index.set(node, index.size)
        low.set(node, index.get(node) as number)
        order.push(node)
        open.add(node)
      }
      const target = edges.get(node)?.[top.next]
      top.next += 1
      if (target !== undefined) {
        if (target === node) cyclic.add(node)
        if (!edges.has(target)) continue
        if (!index.has(target)) work.push({ place: target, next: 0 })
        else if (open.has(target)) low.set(node, Math.min(low.get(node) as number, index.get(target) as number))
        continue
      }
      work.pop()
      const parent = work.at(-1)?.place
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent) as number, low.get(node) as number))
      if (low.get(node) !== index.get(node)) continue
      const members: string[] = []
      let member: string
      do {
        member = order.pop() as string
        open.delete(member)
        members.push(member)
      } while (member !== node)
      if (members.length > 1) for (const each of members) cyclic.add(each)
    }
  }
  return cyclic
}
