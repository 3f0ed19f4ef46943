import type { Command } from 'commander'
import type { CliIo } from '../cli-io.ts'
import { withLlmClient } from '../llm-request.ts'
import { createOutput } from '../output.ts'
import { readParams } from '../params.ts'
import { addExamples, addRequestOptions, type RequestOptions, readSeconds } from './shared-options.ts'

interface CallOptions extends RequestOptions {
  params?: string[]
  authToken?: string
  /** Seconds. */
  timeout?: number
}

/** `atp call` */
export function defineCall(call: Command, io: CliIo): void {
  const output = createOutput(io)
  call
    .argument('<toolkit>', 'the name, slug or id of the toolkit')
    .argument('<tool>', 'the name of the tool')
    .argument('[params...]', 'arguments as key=value; a value that is valid JSON is taken as JSON')
    .option('--params <params>', 'arguments as a JSON object, @file, - for stdin, or key=value', collect)
    .option('--auth-token <token>', "the end user's token, better in the environment (ATP_AUTH_TOKEN)")
    .option('--timeout <seconds>', 'how long the call may take (default: what the tool says, else 120)', readSeconds)
  addExamples(addRequestOptions(call), [
    'atp call workspace search_text pattern=ATP',
    `atp call workspace search_text --params '{"pattern": "ATP"}' --json`,
    'atp call workspace search_text --params @arguments.json --timeout 10',
  ]).action(async (toolkitId: string, tool: string, pairs: string[], options: CallOptions) => {
    const params = await readParams([...(options.params ?? []), ...pairs], io)
    const authToken = options.authToken || io.env.ATP_AUTH_TOKEN
    const result = await withLlmClient(options, io, (client, signal) =>
      client.call({
        toolkitId,
        tool,
        params,
        signal,
        ...(authToken ? { authToken } : {}),
        ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1_000 }),
      }),
    )
    if (options.json) output.json(result)
    else output.line(typeof result === 'string' ? result : JSON.stringify(result ?? null, null, 2))
  })
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
