import { AtpError, isAtpError } from '@atp/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isInteractive } from '../chat/ask-line.ts'
import type { ExchangeEnd } from '../chat/chat-view.ts'
import { createJsonView, writeEnd } from '../chat/json-view.ts'
import { type ChatProviderName, chatProviders, readModelSettings } from '../chat/providers.ts'
import { answerPrompt, type ChatSetup, chatAtTerminal } from '../chat/start-chat.ts'
import { createTerminalView } from '../chat/terminal-view.ts'
import type { CliIo } from '../cli-io.ts'
import { InterruptedError, UsageError } from '../exit-errors.ts'
import { readText } from '../params.ts'
import { type ConnectionFlags, readConnection } from '../settings.ts'
import { addConnectionOptions, addExamples } from './shared-options.ts'

interface ChatOptions extends ConnectionFlags {
  provider: ChatProviderName
  model?: string
  toolkit?: string[]
  system?: string
  maxTurns: number
  maxTokens?: number
  authToken?: string
  yes?: true
  /** Another value than that of other commands, so that a failure is told in an event and in no JSON value besides. */
  json?: 'lines'
}

/** `atp chat` */
export function defineChat(chat: Command, io: CliIo): void {
  chat
    .argument('[prompt]', 'answer this and end; without it prompts are read from the terminal, or one from stdin')
    .addOption(
      new Option('--provider <provider>', 'openai is the Responses API, openai-chat what compatible servers speak')
        .choices(Object.keys(chatProviders))
        .makeOptionMandatory(),
    )
    .option('--model <model>', "the provider's name of the model (needed)")
    .option('--toolkit <name>', 'the name, slug or id of a toolkit; repeat it for more (needed)', collect)
    .option('--system <text>', 'instructions for the model')
    .option('--max-turns <number>', 'how many times the model is asked for one prompt', readCount, 20)
    .option(
      '--max-tokens <number>',
      'the limit of one answer of the model (default: what the provider says)',
      readCount,
    )
    .option('--auth-token <token>', "the end user's token, better in the environment (ATP_AUTH_TOKEN)")
    .option('--yes', 'DANGEROUS: run tools that are marked destructive without asking')
    .addOption(new Option('--json', 'print what happens as JSON lines, one event each').preset('lines'))
  addExamples(addConnectionOptions(chat), [
    'atp chat --provider anthropic --model claude-sonnet-5 --toolkit workspace',
    'atp chat --provider openai --model gpt-5.4 --toolkit workspace "Which files mention ATP?"',
    'OPENAI_BASE_URL=http://127.0.0.1:11434/v1 atp chat --provider openai-chat --model qwen3 --toolkit workspace',
  ]).addHelpText('after', environmentHelp)
  chat.action((prompt: string | undefined, options: ChatOptions) => runChat(prompt, options, io))
}

const environmentHelp = `
The keys of the providers: OPENAI_API_KEY, ANTHROPIC_API_KEY, MISTRAL_API_KEY; other addresses in OPENAI_BASE_URL,
ANTHROPIC_BASE_URL, MISTRAL_BASE_URL. A model on this machine needs no key.
Tools that are marked destructive run only after a yes at the terminal, or with --yes.`

async function runChat(given: string | undefined, options: ChatOptions, io: CliIo): Promise<void> {
  const json = options.json !== undefined
  let last: ExchangeEnd | undefined
  try {
    const toolkits = checkToolkits(options)
    const authToken = readAuthToken(options, toolkits, io)
    const settings = readModelSettings(options.provider, options, io.env)
    const interactive = given === undefined && isInteractive(io)
    const prompt = interactive ? undefined : (given ?? (await readText(io.stdin, 'The prompt on stdin')))
    if (prompt?.trim() === '') throw new UsageError('Give a prompt: as the last argument, or on stdin')
    const setup: ChatSetup = {
      connection: await readConnection(options, io, 'llm'),
      provider: chatProviders[options.provider],
      settings,
      toolkits,
      authToken,
      system: options.system,
      maxTurns: options.maxTurns,
      yes: options.yes === true,
      view: json ? createJsonView(io.stdout) : createTerminalView(io, interactive),
      onEnd: (end) => {
        last = end
      },
    }
    if (prompt === undefined) await chatAtTerminal(setup, io)
    else await answerPrompt(prompt, setup, io)
  } catch (error) {
    if (json && !(error instanceof UsageError) && !isTold(error, last)) writeEnd(io.stdout, toEnd(error))
    throw error
  }
}

/** @throws UsageError */
function checkToolkits({ toolkit = [] }: ChatOptions): string[] {
  const names = [...new Set(toolkit.map((name) => name.trim()).filter((name) => name !== ''))]
  if (names.length > 0) return names
  throw new UsageError('Name a toolkit with --toolkit, such as: --toolkit workspace. `atp toolkits list` shows them')
}

/** One token is one user's at one place: it is not spread over toolkits. @throws UsageError */
function readAuthToken(options: ChatOptions, toolkits: readonly string[], io: CliIo): string | undefined {
  const token = options.authToken || io.env.ATP_AUTH_TOKEN || undefined
  if (token === undefined || toolkits.length === 1) return token
  throw new UsageError("An end user's token (--auth-token or ATP_AUTH_TOKEN) goes with one --toolkit only")
}

/** Whether the last event has said it already. */
function isTold(error: unknown, last: ExchangeEnd | undefined): boolean {
  if (last === undefined) return false
  return error === last.error || (error instanceof InterruptedError && last.reason === 'interrupted')
}

function toEnd(error: unknown): ExchangeEnd {
  const nothing = { text: '', turns: 0 }
  if (error instanceof InterruptedError) return { ...nothing, reason: 'interrupted', error: undefined }
  const message = error instanceof Error ? error.message : String(error)
  return { ...nothing, reason: 'failed', error: isAtpError(error) ? error : new AtpError('internal_error', message) }
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

function readCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count
  throw new InvalidArgumentError('Give a whole number above 0.')
}
