import * as z from 'zod'
import { UtcpValidationError } from '../errors/utcp-error.ts'
import { isObject, type ValidationCode } from './copy-json.ts'
import { joinPath, type PathSegment } from './json-path.ts'

/** The members that a model knows and what they may hold. */
export type Shape = Readonly<Record<string, z.ZodType>>

/** Checks objects of one model and leaves what it does not know as it is. */
export interface ShapeCheck {
  /**
   * Returns the object without those of its known members that are null, which is the same as absent.
   * @throws UtcpValidationError that names the first member that is wrong
   */
  check(object: Readonly<Record<string, unknown>>, path: string, code: ValidationCode): Record<string, unknown>
}

/** Members whose own members may be null, which is the same as absent there, too. */
const mapMembers = ['headers', 'env_vars']

/** A text that is not empty. */
export const text: z.ZodType<string> = z.string().min(1, 'must not be empty')
/** Names and their texts, such as headers. */
export const texts: z.ZodType<Record<string, string>> = z.record(z.string(), z.string())
/** A list of texts. */
export const textList: z.ZodType<string[]> = z.array(z.string())

/**
 * Makes a check of a model's members.
 * @param keepNull members for which null says something else than absence
 * @param refine what members must hold together; returns the problem, or undefined when there is none
 */
export function shapeCheck(
  shape: Shape,
  options: {
    keepNull?: readonly string[]
    refine?: (object: Readonly<Record<string, unknown>>) => { member: string; problem: string } | undefined
  } = {},
): ShapeCheck {
  const { keepNull = [], refine } = options
  const schema = z.looseObject(shape)
  const nullable = Object.keys(shape).filter((name) => !keepNull.includes(name))
  return {
    check(object, path, code) {
      const present: Record<string, unknown> = { ...object }
      for (const name of nullable) if (present[name] === null) delete present[name]
      for (const name of mapMembers) if (name in shape) withoutNulls(present, name)
      const parsed = schema.safeParse(present)
      if (!parsed.success) throw firstIssue(parsed.error, present, path, code)
      const refused = refine?.(present)
      if (refused !== undefined) throw new UtcpValidationError(code, joinPath(path, refused.member), refused.problem)
      return present
    },
  }
}

function withoutNulls(object: Record<string, unknown>, name: string): void {
  const map = object[name]
  if (!isObject(map) || !Object.values(map).includes(null)) return
  object[name] = Object.freeze(Object.fromEntries(Object.entries(map).filter(([, member]) => member !== null)))
}

function firstIssue(error: z.ZodError, value: unknown, path: string, code: ValidationCode): UtcpValidationError {
  const issue = error.issues[0]
  const segments = (issue?.path ?? []).map((segment): PathSegment => (typeof segment === 'symbol' ? '' : segment))
  const missing = issue?.code === 'invalid_type' && at(value, segments) === undefined
  const problem = missing ? 'is missing' : lowerFirst(issue?.message ?? 'is not valid')
  return new UtcpValidationError(code, joinPath(path, ...segments), problem)
}

function at(value: unknown, segments: readonly PathSegment[]): unknown {
  let found = value
  for (const segment of segments) found = (found as Record<string, unknown> | undefined)?.[segment]
  return found
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
