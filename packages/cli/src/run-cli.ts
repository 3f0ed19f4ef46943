import { CommanderError } from 'commander'
import type { CliIo } from './cli-io.ts'
import { CommandError, ExitError, InterruptedError, UsageError } from './exit-errors.ts'
import { createOutput } from './output.ts'
import { messageLine } from './plain-text.ts'
import { createProgram } from './program.ts'

/**
 * Runs one `atp` command to its end and returns the exit code: 0 for success, 1 when the thing asked for failed, 2 for
 * wrong usage, 130 after Ctrl-C, its own for an `ExitError`. Never rejects and never prints a stack. A running server
 * does not settle: the process ends with it.
 *
 * A failure is one line `error: message (code)` on stderr; with `--json` stdout also gets `{"error", "code"}`, so that
 * it always holds one JSON value. Wrong usage prints nothing on stdout.
 * @param args without the interpreter and the script
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  let json = false
  try {
    const program = await createProgram(io, args)
    program.hook('preAction', (_program, command) => {
      json = command.opts<{ json?: true }>().json === true
    })
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // Commander has told what is wrong already; it throws after --help and --version as well.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof UsageError) {
      io.stderr.write(messageLine(`error: ${error.message}`))
      return 2
    }
    if (error instanceof ExitError && error.cause === undefined) return error.exitCode
    const { message, code } = await describe(error instanceof ExitError ? error.cause : error)
    io.stderr.write(messageLine(`error: ${message} (${code})`))
    if (json) createOutput(io).json({ error: message, code })
    if (error instanceof ExitError) return error.exitCode
    return error instanceof InterruptedError ? 130 : 1
  }
}

async function describe(error: unknown): Promise<{ message: string; code: string }> {
  if (error instanceof InterruptedError) return { message: error.message, code: 'cancelled' }
  if (error instanceof CommandError) return { message: error.message, code: error.code }
  const { isAtpError } = await import('@atp/core')
  if (isAtpError(error)) return { message: error.message, code: error.code }
  return { message: error instanceof Error ? error.message : String(error), code: 'internal_error' }
}
