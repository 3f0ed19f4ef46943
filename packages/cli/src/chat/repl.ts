import { type AtpError, isAtpError } from '@atp/core'
import type { CliIo } from '../cli-io.ts'
import { InterruptedError } from '../exit-errors.ts'
import { messageLine } from '../plain-text.ts'
import type { AskLine } from './ask-line.ts'
import type { ChatMessage } from './chat-model.ts'
import type { ExchangeEnd } from './chat-view.ts'
import type { Interrupts } from './interrupts.ts'
import type { MergedContext } from './merge-contexts.ts'
import type { Toolbox } from './toolbox.ts'

/** What a chat at the terminal is made of. */
export interface ReplOptions {
  io: Pick<CliIo, 'stderr'>
  ask: AskLine
  interrupts: Interrupts
  toolbox: Toolbox
  /** For the first line, such as `gpt-5.4 (OpenAI)`. */
  title: string
  exchange(conversation: ChatMessage[], prompt: string, signal: AbortSignal): Promise<ExchangeEnd>
}

const help = `/tools  the tools there are now
/clear  forget the conversation
/help   this
/exit   end, as Ctrl-D does
Ctrl-C ends an answer; pressed at an empty prompt, or twice, it ends the chat.`

/**
 * Reads prompts until Ctrl-D. What fails is told, and the chat goes on.
 * @throws InterruptedError on Ctrl-C again; AtpError when there are no tools to begin with
 */
export async function runRepl({ io, ask, interrupts, toolbox, title, exchange }: ReplOptions): Promise<void> {
  const note = (text: string): void => void io.stderr.write(messageLine(text))
  const conversation: ChatMessage[] = []
  const context = await interrupts.run((signal) => toolbox.load(signal))
  note(`Chatting with ${title}, ${describeToolkits(context)}. /help tells more, Ctrl-D ends.`)
  for (const { tool, message } of context.warnings) note(`warning: ${tool}: ${message}`)

  /** Whether the last thing that happened was Ctrl-C, so that one more ends the chat. */
  let interrupted = false
  for (;;) {
    const line = await interrupts.run((signal) => ask('> ', { signal }))
    if (line.kind === 'end') return
    if (line.kind === 'interrupt') {
      if (interrupted && !line.hadText) throw new InterruptedError('Interrupted')
      if (!line.hadText) note('Ctrl-C again, or Ctrl-D, ends the chat.')
      interrupted = !line.hadText
      continue
    }
    interrupted = false
    const prompt = line.text.trim()
    if (prompt === '') continue
    if (prompt === '/exit' || prompt === '/quit') return
    try {
      if (/^\/\w+$/.test(prompt)) await interrupts.run((signal) => runCommand(prompt, signal))
      else interrupted = (await runPrompt(prompt)) === 'interrupted'
    } catch (error) {
      if (!isAtpError(error)) throw error
      note(errorLine(error))
    }
  }

  async function runPrompt(prompt: string): Promise<ExchangeEnd['reason']> {
    const { reason, error } = await interrupts.run((signal) => exchange(conversation, prompt, signal))
    if (error) note(errorLine(error))
    return reason
  }

  async function runCommand(command: string, signal: AbortSignal): Promise<void> {
    if (command === '/tools') await showTools(signal)
    else if (command === '/clear') {
      conversation.length = 0
      note('The conversation is forgotten.')
    } else if (command === '/help') note(help)
    else note(`There is no ${command}.\n${help}`)
  }

  async function showTools(signal: AbortSignal): Promise<void> {
    try {
      note(describeTools(await toolbox.load(signal)))
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

function errorLine({ message, code }: AtpError): string {
  return `error: ${message} (${code})`
}

function describeToolkits({ routes }: MergedContext): string {
  const names = new Set([...routes.values()].map(({ toolkitName }) => toolkitName))
  return `${routes.size} tool${routes.size === 1 ? '' : 's'}${names.size === 0 ? '' : ` of ${[...names].join(', ')}`}`
}

function describeTools({ routes }: MergedContext): string {
  const lines = [...routes.values()].map(({ name, toolkitName, destructive, summary }) => {
    return `  ${name}  (${toolkitName}${destructive ? ', asks first' : ''})  ${summary}`.trimEnd()
  })
  return lines.length === 0 ? 'There are no tools.' : lines.join('\n')
}
