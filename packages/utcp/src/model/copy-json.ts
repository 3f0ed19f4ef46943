import { UtcpValidationError } from '../errors/utcp-error.ts'
import { joinPath, type PathSegment } from './json-path.ts'

/** Which error a refused value becomes. */
export type ValidationCode = ConstructorParameters<typeof UtcpValidationError>[0]

/** How deep one tool, template or configuration may be nested (rule I1). */
const maxDepth = 64

/** How many members and items one tool, template or configuration may have in all. */
const maxMembers = 100_000

/**
 * Copies plain JSON and freezes the copy, so that whoever passed it changes nothing later and readers may share it.
 * Members that are `undefined` are left out.
 * @throws UtcpValidationError for what JSON does not have, `__proto__` members, and too deep or too large values
 */
export function copyJson(value: unknown, path: string, code: ValidationCode): unknown {
  return new Copier(path, code).copy(value, 0)
}

/** Whether a value is a JSON object: not null, not an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

class Copier {
  readonly #path: string
  readonly #code: ValidationCode
  readonly #segments: PathSegment[] = []
  #members = 0

  constructor(path: string, code: ValidationCode) {
    this.#path = path
    this.#code = code
  }

  copy(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'number':
        return Number.isFinite(value) ? value : this.#refuse('must be a finite number')
      case 'object':
        if (value === null) return null
        if (depth >= maxDepth) this.#refuse(`is nested deeper than ${maxDepth} levels`)
        return Array.isArray(value) ? this.#copyList(value, depth) : this.#copyObject(value, depth)
      default:
        return this.#refuse(`must be JSON, not ${typeof value === 'undefined' ? 'nothing' : `a ${typeof value}`}`)
    }
  }

  #copyList(list: readonly unknown[], depth: number): readonly unknown[] {
    this.#count(list.length)
    const copied: unknown[] = new Array(list.length)
    for (let index = 0; index < list.length; index += 1) {
      this.#segments.push(index)
      copied[index] = this.copy(list[index], depth + 1)
      this.#segments.pop()
    }
    return Object.freeze(copied)
  }

  #copyObject(object: object, depth: number): Readonly<Record<string, unknown>> {
    if (Object.prototype.toString.call(object) !== '[object Object]') this.#refuse('must be plain JSON')
    const copied: Record<string, unknown> = {}
    const names = Object.keys(object)
    this.#count(names.length)
    for (const name of names) {
      const member: unknown = (object as Record<string, unknown>)[name]
      if (member === undefined) continue
      this.#segments.push(name)
      if (name === '__proto__') this.#refuse('is not allowed as a name')
      copied[name] = this.copy(member, depth + 1)
      this.#segments.pop()
    }
    return Object.freeze(copied)
  }

  #count(more: number): void {
    this.#members += more
    if (this.#members > maxMembers) this.#refuse(`has more than ${maxMembers} members`)
  }

  #refuse(problem: string): never {
    throw new UtcpValidationError(this.#code, joinPath(this.#path, ...this.#segments.slice(0, 12)), problem)
  }
}
