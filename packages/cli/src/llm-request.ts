import { isAtpError, LLMClient } from '@atp/core'
import type { CliIo } from './cli-io.ts'
import { InterruptedError } from './exit-errors.ts'
import { type ConnectionFlags, readConnection } from './settings.ts'
import { unreachable } from './unreachable.ts'

/**
 * Runs `work` with an LLM client, and cancels it on Ctrl-C.
 * @throws AtpError what `work` throws, InterruptedError after Ctrl-C
 */
export async function withLlmClient<T>(
  flags: ConnectionFlags,
  io: CliIo,
  work: (client: LLMClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const connection = await readConnection(flags, io, 'llm')
  const client = new LLMClient(connection)
  const abort = new AbortController()
  // Stays until the end: npm and the terminal may both pass one Ctrl-C on.
  const release = io.onInterrupt(() => abort.abort('interrupted by the user'))
  try {
    return await work(client, abort.signal)
  } catch (error) {
    if (abort.signal.aborted) throw new InterruptedError('Interrupted; the call was cancelled')
    if (isAtpError(error) && error.code === 'connection_failed') throw unreachable(error.message, error)
    throw error
  } finally {
    release()
    await client.close()
  }
}
