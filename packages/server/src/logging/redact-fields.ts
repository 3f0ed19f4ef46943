import { isErrorCodeText, isSecretName, redacted, redactText } from './redact-text.ts'

/** How deep a field is written, and how many members and items all fields of one line may have. */
const maxDepth = 8
const maxMembers = 1_000

/**
 * A copy of a log line's fields that is plain JSON and holds no secret (rule L1): members with secret names lose their
 * value at any depth, texts go through `redactText`, and what is no plain data becomes a short text. Errors give their
 * name, code, message, stack and cause. Never throws, whatever a getter or a proxy does, never calls `toJSON`, and ends
 * on cycles and on values of any size.
 */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  const safe = copy(fields, { members: 0, path: [] }, 0)
  return typeof safe === 'object' && safe !== null ? (safe as Record<string, unknown>) : { fields: safe }
}

interface Walk {
  members: number
  /** The objects that hold the present one: meeting one again is a cycle. */
  path: object[]
}

function copy(value: unknown, walk: Walk, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
    case 'undefined':
      return value
    case 'bigint':
      // A text of more digits takes seconds to make.
      return value > -maxBigInt && value < maxBigInt ? `${value}n` : '[bigint]'
    case 'object':
      return value === null ? null : copyObject(value, walk, depth)
    default:
      return `[${typeof value}]`
  }
}

const maxBigInt = 2n ** 128n

function copyObject(value: object, walk: Walk, depth: number): unknown {
  if (walk.path.includes(value)) return '[cycle]'
  if (depth > maxDepth) return '[too deep]'
  walk.path.push(value)
  try {
    return copyMembers(value, walk, depth)
  } catch {
    // A proxy, or a getter of something that only looked like a known kind.
    return '[unreadable]'
  } finally {
    walk.path.pop()
  }
}

function copyMembers(value: object, walk: Walk, depth: number): unknown {
  if (Array.isArray(value)) return copyItems(value, value.length, walk, depth)
  if (value instanceof Error) return copyError(value, walk, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return redactText(value.href)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (value instanceof Map) return copyEntries(value.entries(), walk, depth)
  if (value instanceof Set) return copyItems(value.values(), value.size, walk, depth)
  return copyEntries(ownEntries(value), walk, depth)
}

/** Its own members too, which is where drivers and HTTP clients put the request that failed. */
function copyError(error: Error, walk: Walk, depth: number): unknown {
  const inherited: [string, unknown][] = []
  for (const name of ['name', 'message', 'stack', 'cause'] as const) {
    const value = read(error, name)
    if (value !== undefined) inherited.push([name, value])
  }
  return copyEntries([...inherited, ...ownEntries(error)], walk, depth)
}

function copyItems(items: Iterable<unknown>, size: number, walk: Walk, depth: number): unknown[] {
  const safe: unknown[] = []
  for (const item of items) {
    if (walk.members >= maxMembers) {
      safe.push(`… [${size - safe.length} more]`)
      break
    }
    walk.members += 1
    safe.push(copy(item, walk, depth + 1))
  }
  return safe
}

function copyEntries(entries: Iterable<[unknown, unknown]>, walk: Walk, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {}
  for (const [name, value] of entries) {
    if (walk.members >= maxMembers) {
      safe['…'] = '[more]'
      break
    }
    walk.members += 1
    const text = typeof name === 'string' ? name : `[${typeof name}]`
    set(safe, redactText(text), copyMember(text, value, walk, depth))
  }
  return safe
}

function copyMember(name: string, value: unknown, walk: Walk, depth: number): unknown {
  if (value === undefined || value === null || typeof value === 'boolean') return value
  if (isSecretName(name)) return redacted
  if (name.toLowerCase() === 'code' && typeof value === 'string' && !isErrorCodeText(value)) return redacted
  return copy(value, walk, depth + 1)
}

function* ownEntries(value: object): Generator<[string, unknown]> {
  for (const name of Object.keys(value)) yield [name, read(value, name)]
}

function read(value: object, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name]
  } catch {
    return '[unreadable]'
  }
}

/** `__proto__` as a member like any other. */
function set(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true, configurable: true })
  else target[name] = value
}
