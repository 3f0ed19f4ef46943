import type { ToolkitContext } from '@atp/core'
import { toWireContext } from '@atp/core/protocol'
import { type Command, Option } from 'commander'
import type { CliIo } from '../cli-io.ts'
import { withLlmClient } from '../llm-request.ts'
import { createOutput } from '../output.ts'
import { providerNames } from '../provider-names.ts'
import { addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

interface ContextOptions extends RequestOptions {
  provider: string
  prompt?: string
}

/** `atp context` */
export function defineContext(context: Command, io: CliIo): void {
  const output = createOutput(io)
  context
    .argument('<toolkit>', 'the name, slug or id of the toolkit')
    .addOption(
      new Option('--provider <provider>', 'whose form; openai is that of the Responses API')
        .choices(providerNames)
        .default('openai'),
    )
    .option('--prompt <text>', 'the prompt of the user, echoed in the context')
  addExamples(addRequestOptions(context), [
    'atp context workspace --provider anthropic',
    'atp context workspace --provider openai --json    to pass on to the provider',
  ]).action(async (toolkitId: string, options: ContextOptions) => {
    const { provider, prompt = '' } = options
    const found = await withLlmClient(options, io, (client, signal) =>
      client.getToolkitContext({ toolkitId, provider, userPrompt: prompt, signal }),
    )
    if (options.json) return output.json(toWireContext(found))
    output.line(found.caption === '' ? found.toolkitName : `${found.toolkitName}: ${found.caption}`)
    if (found.instructions) output.line(found.instructions)
    output.line(`\nTools for ${provider}:`)
    for (const tool of describeTools(found)) output.line(tool)
    for (const { tool, message } of found.warnings) output.note(`warning: ${tool}: ${message}`)
  })
}

/** Every provider's form has the name and the description at the top or below `function`. */
function describeTools({ tools }: ToolkitContext): string[] {
  return tools.map((tool) => {
    const { name, description } = { ...tool, ...(tool.function as object | undefined) } as Record<string, unknown>
    return `  ${String(name)}  ${String(description ?? '').split('\n', 1)[0]}`.trimEnd()
  })
}
