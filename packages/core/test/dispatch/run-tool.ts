import { vi } from 'vitest'
import { type InvokeOptions, type InvokeOutcome, invokeTool } from '../../src/dispatch/invoke-tool.ts'
import type { WireError } from '../../src/errors/to-wire-error.ts'
import type { Logger } from '../../src/logging/logger.ts'
import { defineTool } from '../../src/tool/define-tool.ts'
import type { Tool, ToolContext, ToolDefinition, ToolHandler } from '../../src/tool/tool.ts'

/** A tool called "f" that takes anything, unless the definition says otherwise. */
export function makeTool(
  handler: (args: never, context: ToolContext) => unknown,
  definition: Partial<ToolDefinition> = {},
): Tool {
  const open = { type: 'object', properties: {} }
  return defineTool(
    { name: 'f', description: '', params: open, ...definition } as ToolDefinition,
    handler as ToolHandler<unknown>,
  )
}

/** Runs a tool with the shortest options. */
export function run(tool: Tool, args: unknown = {}, options: Partial<InvokeOptions> = {}): Promise<InvokeOutcome> {
  return invokeTool(tool, args, { callId: 'call-1', ...options })
}

/** The parsed result of a call that must succeed. */
export async function resultOf(tool: Tool, args: unknown = {}, options: Partial<InvokeOptions> = {}): Promise<unknown> {
  const outcome = await run(tool, args, options)
  if (!outcome.ok) throw new Error(`${outcome.error.code}: ${outcome.error.message}`)
  return JSON.parse(outcome.json)
}

/** The error of a call that must fail. */
export async function errorOf(
  tool: Tool,
  args: unknown = {},
  options: Partial<InvokeOptions> = {},
): Promise<WireError> {
  const outcome = await run(tool, args, options)
  if (outcome.ok) throw new Error(`The call succeeded: ${outcome.json}`)
  return outcome.error
}

/** A logger that remembers what it was told. */
export function recordingLogger(): Logger & { lines: [level: string, event: string, fields: unknown][] } {
  const lines: [string, string, unknown][] = []
  const level = (name: string) => (event: string, fields?: unknown) => {
    lines.push([name, event, fields])
  }
  return { lines, debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}

/** An object of exactly that many levels. */
export function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {}
  for (let level = 1; level < levels; level += 1) value = { value }
  return value
}

/** A call whose outcome can be asked for without waiting. */
export async function start(
  tool: Tool,
  options: Parameters<typeof run>[2] = {},
): Promise<{ outcome(): InvokeOutcome | undefined }> {
  let outcome: InvokeOutcome | undefined
  void run(tool, {}, options).then((value) => {
    outcome = value
  })
  await vi.advanceTimersByTimeAsync(0)
  return { outcome: () => outcome }
}

/** A handler that ends when the test says so. */
export function controlled(): {
  handler: () => Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
} {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  return { handler: () => promise, resolve, reject }
}

/** A promise of a value that comes after some time on the clock. */
export function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms))
}
