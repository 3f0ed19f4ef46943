import { isAtpError, type JsonSchema, type Logger } from '@atp/core'
import type { CompiledSchema } from '@atp/core/protocol'
import { messageOf } from '../errors/to-utcp-error.ts'
import { UtcpError } from '../errors/utcp-error.ts'
import type { Tool } from '../model/models.ts'
import { compileForeignSchema } from './foreign-schema.ts'
import { RefusedPattern } from './linear-patterns.ts'

/** How many problems an error lists. */
const maxIssues = 20

/** A schema with a pattern that nothing runs safely. */
interface RefusedSchema {
  readonly message: string
  /** The member with the pattern, such as `inputs.properties.city`. */
  readonly path: string
}

/** Checks arguments and results against a tool's schemas with an interpreter: no code is generated. */
export class ToolValidation {
  readonly #logger: Logger
  /** By schema object; null for one that cannot be used. */
  readonly #compiled = new WeakMap<JsonSchema, Promise<CompiledSchema | RefusedSchema | null>>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @throws UtcpError `invalid_arguments` with `details.issues`, `invalid_schema` with `path` */
  async checkArguments(tool: Tool, args: unknown): Promise<void> {
    const issues = await this.#issues(tool, tool.inputs, args, 'inputs')
    if (issues.length === 0) return
    const shown = issues.slice(0, 3).map(issueText).join('; ')
    throw new UtcpError('invalid_arguments', `The arguments do not fit the tool "${tool.name}": ${shown}`, {
      details: { issues: issues.slice(0, maxIssues) },
    })
  }

  /** @throws UtcpError `invalid_result` with `details.issues`, `invalid_schema` with `path` */
  async checkResult(tool: Tool, result: unknown): Promise<void> {
    const issues = await this.#issues(tool, tool.outputs, result, 'outputs')
    if (issues.length === 0) return
    const shown = issues.slice(0, 3).map(issueText).join('; ')
    throw new UtcpError('invalid_result', `The result of the tool "${tool.name}" is not what it promises: ${shown}`, {
      details: { issues: issues.slice(0, maxIssues) },
    })
  }

  async #issues(
    tool: Tool,
    schema: JsonSchema,
    value: unknown,
    member: 'inputs' | 'outputs',
  ): Promise<{ path: string; message: string }[]> {
    if (isEmpty(schema)) return []
    let compiling = this.#compiled.get(schema)
    if (compiling === undefined) {
      compiling = this.#compile(tool, schema, member)
      this.#compiled.set(schema, compiling)
    }
    const compiled = await compiling
    if (compiled === null) return []
    if ('path' in compiled) throw new UtcpError('invalid_schema', compiled.message, { path: compiled.path })
    const validation = await compiled.validate(value)
    return validation.ok ? [] : validation.issues
  }

  /**
   * A schema of a stranger that cannot be used is no reason not to call: the tool's own server checks as well. One whose
   * pattern cannot be run safely is: somebody meant it to keep values out.
   */
  async #compile(tool: Tool, schema: JsonSchema, member: string): Promise<CompiledSchema | RefusedSchema | null> {
    try {
      return await compileForeignSchema(schema, `Tool "${tool.name}": ${member}`)
    } catch (error) {
      const reason = messageOf(error)
      this.#logger.warn('utcp.schema_unusable', { tool: tool.name, member, reason })
      if (!isAtpError(error) || !(error.cause instanceof RefusedPattern)) return null
      const pointer = String(error.details?.pointer ?? '').replace('#', '')
      return { message: reason, path: member + pointer.replaceAll('/', '.') }
    }
  }
}

function isEmpty(schema: JsonSchema): boolean {
  for (const _ in schema) return false
  return true
}

function issueText({ path, message }: { path: string; message: string }): string {
  return path === '' ? message : `${path}: ${message}`
}
