import { AtpError, isAtpError } from '../../errors/atp-error.ts'
import { checkJsonShape, checkMemberNames, isJsonObject } from '../../protocol/json.ts'

/** The way of one value back from the form the model was told of into that of the tool's own schema. */
export type Fold =
  | ObjectFold
  | { kind: 'list'; prefix: readonly (Fold | undefined)[]; items: Fold | undefined }
  /** A list of `{key, value}` is an object. */
  | { kind: 'map'; value: Fold | undefined }
  /** An object whose members are the items of a list; `rest` names the member that holds those after them. */
  | { kind: 'tuple'; members: readonly { name: string; fold: Fold | undefined }[]; rest: RestFold | undefined }
  /** JSON text is the value it stands for. */
  | { kind: 'json' }
  /** An object with one member is the value of that member; `fits` tells what the box may hold. */
  | { kind: 'box'; name: string; inner: Fold | undefined; fits: (value: unknown) => boolean }
  /** The way of the first branch that the value fits. */
  | { kind: 'choice'; branches: readonly { fits: (value: unknown) => boolean; fold: Fold | undefined }[] }

/** The way back of an object. */
export interface ObjectFold {
  kind: 'object'
  /** By the name the model sees. */
  members: ReadonlyMap<string, MemberFold>
  /** A member that lists further members as `{key, value}`. */
  rest: RestFold | undefined
  /** For members that are not named. */
  others: Fold | undefined
}

interface RestFold {
  name: string
  fold: Fold | undefined
}

/** The way back of one member. */
export interface MemberFold {
  /** Its name in the tool's own schema. */
  name: string
  fold: Fold | undefined
  /** Whether null says that it is not given. */
  optional: boolean
  /** What it is when it is not given. */
  fallback?: { value: unknown } | undefined
}

/**
 * Takes a call's arguments back. What does not have the form the model was told of stays as it is: the tool's own
 * schema will judge it.
 * @throws AtpError `invalid_params` for what no peer could read
 */
export function foldArguments(fold: Fold | undefined, args: Record<string, unknown>): unknown {
  if (fold === undefined) return args
  const folded = foldValue(fold, args)
  try {
    // Rule I1 again: JSON text among the arguments has passed no check yet.
    checkJsonShape(folded)
    checkMemberNames(folded)
  } catch (error) {
    if (!isAtpError(error)) throw error
    throw new AtpError('invalid_params', `The arguments cannot be read: ${error.message}`, { cause: error })
  }
  return folded
}

function foldValue(fold: Fold | undefined, value: unknown): unknown {
  if (fold === undefined) return value
  switch (fold.kind) {
    case 'object':
      return isJsonObject(value) ? foldObject(fold, value) : value
    case 'list':
      return Array.isArray(value) ? value.map((item, at) => foldValue(fold.prefix[at] ?? fold.items, item)) : value
    case 'map':
      return foldMap(fold.value, value)
    case 'tuple':
      return foldTuple(fold, value)
    case 'json':
      return typeof value === 'string' ? readJson(value) : value
    case 'box': {
      const isBox = isJsonObject(value) && Object.hasOwn(value, fold.name) && Object.keys(value).length === 1
      // Where names are free, a value without a box may have that one member too.
      const isOpened = isBox && (fold.fits(value[fold.name]) || !fold.fits(value))
      return foldValue(fold.inner, isOpened ? value[fold.name] : value)
    }
    case 'choice':
      return foldValue(fold.branches.find(({ fits }) => fits(value))?.fold, value)
    default:
      return fold satisfies never
  }
}

function foldObject(fold: ObjectFold, value: Record<string, unknown>): Record<string, unknown> {
  const folded: Record<string, unknown> = {}
  const named = new Set([...fold.members.values()].map(({ name }) => name))
  for (const [key, item] of Object.entries(value)) {
    const member = fold.members.get(key)
    if (member === undefined) {
      // What a further member of the name of a declared one would say, the declared one has said.
      if (key === fold.rest?.name && typeof item === 'object') {
        for (const [name, rest] of mapEntries(fold.rest.fold, item)) if (!named.has(name)) setMember(folded, name, rest)
      } else setMember(folded, key, foldValue(fold.others, item))
    } else if (!(member.optional && item === null)) setMember(folded, member.name, foldValue(member.fold, item))
    else if (member.fallback) setMember(folded, member.name, structuredClone(member.fallback.value))
  }
  return folded
}

function foldMap(fold: Fold | undefined, value: unknown): unknown {
  const folded: Record<string, unknown> = {}
  if (!Array.isArray(value) && !isJsonObject(value)) return value
  for (const [name, item] of mapEntries(fold, value)) setMember(folded, name, item)
  return folded
}

/** The members of a list of `{key, value}`, or of an object where the model wrote that; of two with one key the last. */
function mapEntries(fold: Fold | undefined, value: unknown): [string, unknown][] {
  if (isJsonObject(value)) return Object.entries(value).map(([name, item]) => [name, foldValue(fold, item)])
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: unknown): [string, unknown][] =>
    isJsonObject(entry) && typeof entry.key === 'string' ? [[entry.key, foldValue(fold, entry.value)]] : [],
  )
}

function foldTuple(fold: Extract<Fold, { kind: 'tuple' }>, value: unknown): unknown {
  const { members, rest } = fold
  if (Array.isArray(value)) return value.map((item, at) => foldValue(members[at] ? members[at].fold : rest?.fold, item))
  if (!isJsonObject(value)) return value
  const items = members.map(({ name, fold: member }) => foldValue(member, value[name]))
  const further = rest === undefined ? undefined : value[rest.name]
  return Array.isArray(further) ? [...items, ...further.map((item) => foldValue(rest?.fold, item))] : items
}

/** A text that is no JSON is taken as what it says: models leave the quotes of a text out. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function setMember(object: Record<string, unknown>, name: string, value: unknown): void {
  // Rule I1: nobody would read the call with such a member in it.
  if (name === '__proto__')
    throw new AtpError('invalid_params', 'The arguments name a member "__proto__", which no tool takes')
  object[name] = value
}
