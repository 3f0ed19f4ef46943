import { isUtcpError, type RegisterManualResult, type UtcpClient, UtcpError } from '@atp/utcp'
import { createUtcpClient } from '@atp/utcp/node'
import { http, sse, streamableHttp } from '@atp/utcp-http'
import { file, text } from '@atp/utcp-text'
import type { CliIo } from '../cli-io.ts'
import { CommandError, InterruptedError } from '../exit-errors.ts'
import type { Output } from '../output.ts'
import { openSource, type SourceFlags, type UtcpSource } from './source.ts'

/** What a command of `atp utcp` works with. */
export interface UtcpSession {
  readonly client: UtcpClient
  readonly source: UtcpSource
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
}

/**
 * Opens `MANUAL`, runs `work` and closes everything. Manuals that could not be registered are noted on stderr; when there
 * is no other, the command fails with what the first one failed with.
 * @param registered whether manuals are registered before `work`
 * @throws CommandError with the code of UTCP, InterruptedError after Ctrl-C
 */
export async function withUtcpClient<T>(
  manual: string,
  flags: SourceFlags,
  io: CliIo,
  output: Output,
  work: (session: UtcpSession) => Promise<T>,
  registered: 'registered' | 'not registered' = 'registered',
): Promise<T> {
  const abort = new AbortController()
  const release = io.onInterrupt(() => abort.abort())
  try {
    return await interruptible(abort.signal, async () => {
      const source = await openSource(manual, flags, io)
      const { manual_call_templates: templates, ...rest } = source.config
      const config = registered === 'registered' ? source.config : rest
      await using client = await createUtcpClient(config, {
        protocols: [http(), sse(), streamableHttp(), text(), file()],
        ...{ rootDir: source.rootDir, environment: io.env },
      })
      if (registered === 'registered') noteFailures(client.initialRegistrations, output)
      return await work({
        client,
        source: { ...source, config: { ...source.config, manual_call_templates: templates ?? [] } },
        signal: abort.signal,
      })
    })
  } catch (error) {
    throw asCommandError(error)
  } finally {
    release()
  }
}

/** Runs what needs no client, with the errors of UTCP as the command's own. */
export async function withUtcpErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asCommandError(error)
  }
}

function asCommandError(error: unknown): unknown {
  return isUtcpError(error) ? new CommandError(error.message, error.code, { cause: error }) : error
}

/**
 * A discovery takes no signal when a client is made; whoever pressed Ctrl-C does not wait for it all the same. Listens
 * before the work does, so that the interruption is what is told.
 */
async function interruptible<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new InterruptedError('Interrupted; what ran was cancelled')), {
      once: true,
    })
  })
  return Promise.race([work(), interrupted])
}

function noteFailures(results: readonly RegisterManualResult[], output: Output): void {
  const failed = results.filter(({ success }) => !success)
  const [first] = failed
  if (first !== undefined && failed.length === results.length) {
    throw new UtcpError('call_failed', failureText(first))
  }
  for (const each of failed) output.note(`warning: ${failureText(each)}`)
  for (const { manualCallTemplate, warnings } of results) {
    for (const { path, message } of warnings.slice(0, maxWarnings)) {
      output.note(`warning: ${manualCallTemplate.name}: ${path}: ${message}`)
    }
    const more = warnings.length - maxWarnings
    if (more > 0) output.note(`warning: ${manualCallTemplate.name}: ${more} more; "atp utcp check" lists them`)
  }
}

const maxWarnings = 5

function failureText({ manualCallTemplate, errors }: RegisterManualResult): string {
  return `Manual "${manualCallTemplate.name}" was not registered: ${errors.join('; ')}`
}
