import { LLMClient } from '@atp/core'
import type { CliIo } from '../cli-io.ts'
import { messageLine } from '../plain-text.ts'
import type { ConnectionSettings } from '../settings.ts'
import { createApproval } from './approval.ts'
import { type AskLine, createLineReader, isInteractive } from './ask-line.ts'
import type { ChatMessage, ModelSettings } from './chat-model.ts'
import type { ChatView, ExchangeEnd } from './chat-view.ts'
import { createInterrupts, type Interrupts } from './interrupts.ts'
import { toProviderFailure } from './provider-failure.ts'
import type { ChatProvider } from './providers.ts'
import { runRepl } from './repl.ts'
import { runExchange } from './run-exchange.ts'
import { createToolbox, type Toolbox } from './toolbox.ts'

/** What a chat is made of. */
export interface ChatSetup {
  connection: ConnectionSettings
  provider: ChatProvider
  settings: ModelSettings
  toolkits: readonly string[]
  authToken: string | undefined
  system: string | undefined
  maxTurns: number
  /** Runs destructive tools unasked. */
  yes: boolean
  view: ChatView
  /** Called after every exchange, before the next prompt. */
  onEnd(end: ExchangeEnd): void
}

/** The parts of a running chat. */
interface Chat {
  interrupts: Interrupts
  toolbox: Toolbox
  /** Undefined without a terminal. */
  ask: AskLine | undefined
  exchange(conversation: ChatMessage[], prompt: string, signal: AbortSignal): Promise<ExchangeEnd>
}

/**
 * Answers one prompt.
 * @throws AtpError why there is no answer; InterruptedError after Ctrl-C
 */
export async function answerPrompt(prompt: string, setup: ChatSetup, io: CliIo): Promise<void> {
  await withChat(setup, io, async ({ interrupts, exchange }) => {
    await interrupts.run(async (signal) => {
      const { error } = await exchange([], prompt, signal)
      signal.throwIfAborted()
      if (error) throw error
    })
  })
}

/** Reads prompts from the terminal until Ctrl-D. @throws AtpError, InterruptedError, see `runRepl` */
export async function chatAtTerminal(setup: ChatSetup, io: CliIo): Promise<void> {
  await withChat(setup, io, async ({ ask, interrupts, toolbox, exchange }) => {
    if (ask === undefined) throw new Error('a chat without a prompt needs a terminal')
    const title = `${setup.settings.model} (${setup.provider.title})`
    await runRepl({ io, ask, interrupts, toolbox, title, exchange })
  })
}

async function withChat(setup: ChatSetup, io: CliIo, work: (chat: Chat) => Promise<void>): Promise<void> {
  const { connection, provider, settings, toolkits, authToken, system, maxTurns, yes, view, onEnd } = setup
  const client = new LLMClient(connection)
  const interrupts = createInterrupts(io)
  try {
    const model = await provider.open(settings)
    const toolbox = createToolbox({ client, provider: model.format.name, toolkits, authToken })
    const ask = isInteractive(io) ? createLineReader(io) : undefined
    const note = (text: string): void => {
      view.breakLine()
      io.stderr.write(messageLine(text))
    }
    const approve = createApproval({ yes, ask: ask && pressing(ask, interrupts), note })
    const toFailure = (error: unknown) => toProviderFailure(error, { ...settings, provider })
    let calls = 0
    const nextNumber = (): number => {
      calls += 1
      return calls
    }
    const parts = { model, toolbox, system, maxTurns, approve, view, toFailure, nextNumber }
    await work({
      interrupts,
      toolbox,
      ask,
      async exchange(conversation, prompt, signal) {
        const end = await runExchange(conversation, prompt, { ...parts, signal })
        onEnd(end)
        return end
      },
    })
  } finally {
    interrupts.release()
    await client.close()
  }
}

/** In the middle of an exchange, Ctrl-C at a question is Ctrl-C to the exchange. */
function pressing(ask: AskLine, interrupts: Interrupts): AskLine {
  return async (prompt, options) => {
    const line = await ask(prompt, options)
    if (line.kind === 'interrupt' && !options.signal.aborted) interrupts.press()
    return line
  }
}
