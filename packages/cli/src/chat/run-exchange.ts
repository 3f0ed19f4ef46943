import { AtpError, isAtpError } from '@atp/core'
import type { Approve } from './approval.ts'
import type { ChatMessage, ChatModel } from './chat-model.ts'
import type { ChatView, ExchangeEnd } from './chat-view.ts'
import type { MergedContext } from './merge-contexts.ts'
import { refuseCalls, runCalls } from './run-calls.ts'
import type { Toolbox } from './toolbox.ts'

/** Who takes part in an exchange. */
export interface ExchangeOptions {
  model: ChatModel
  toolbox: Toolbox
  /** The user's own instructions for the model. */
  system: string | undefined
  /** How many times the model is asked, at most. */
  maxTurns: number
  approve: Approve
  view: ChatView
  signal: AbortSignal
  /** Makes what the provider's package throws readable. */
  toFailure(error: unknown): AtpError
  nextNumber(): number
}

/**
 * One prompt and all that follows from it, until the model calls no more tools. `conversation` grows with it, and is
 * fit for the next prompt however this one ends: what ended early is closed by a note for the model, and a prompt that
 * nothing came of is taken back. Never rejects for what a provider, a server or a tool does.
 */
export async function runExchange(
  conversation: ChatMessage[],
  prompt: string,
  options: ExchangeOptions,
): Promise<ExchangeEnd> {
  const exchange = new Exchange(conversation, options)
  let end: ExchangeEnd
  try {
    end = await exchange.run(prompt)
  } catch (error) {
    if (options.signal.aborted) end = exchange.close('interrupted')
    else if (isAtpError(error)) end = exchange.close('failed', error)
    else throw error
  }
  options.view.end(end)
  return end
}

/** What the model reads where its answer ended early. */
const notes: Record<Exclude<ExchangeEnd['reason'], 'done'>, string> = {
  interrupted: '[interrupted by the user]',
  failed: '[this answer failed and was not finished]',
  length: '[cut off at the limit of tokens]',
  filtered: '[the rest was withheld by the provider]',
  max_turns: '[stopped at the limit of turns]',
}

class Exchange {
  readonly #conversation: ChatMessage[]
  readonly #start: number
  readonly #options: ExchangeOptions
  #turns = 0
  /** Of the turn that runs or ran last. */
  #text = ''
  /** Whether that text is part of the conversation already. */
  #kept = false

  constructor(conversation: ChatMessage[], options: ExchangeOptions) {
    this.#conversation = conversation
    this.#start = conversation.length
    this.#options = options
  }

  async run(prompt: string): Promise<ExchangeEnd> {
    const { maxTurns, toolbox, signal, model } = this.#options
    const context = await toolbox.load(signal)
    this.#conversation.push({ role: 'user', content: prompt })
    for (;;) {
      const turn = await this.#ask(context)
      if (turn.stop !== 'done') return this.close(turn.stop, stopError(turn.stop))
      this.#conversation.push(...turn.messages)
      this.#kept = turn.messages.length > 0
      if (turn.calls.length === 0) return this.#kept ? this.#end('done') : this.close('failed', silent())
      if (this.#turns >= maxTurns) {
        this.#conversation.push(...model.format.toResultMessages(refuseCalls(turn.calls, notes.max_turns)))
        return this.close('max_turns', tooManyTurns(maxTurns))
      }
      const { results, fatal } = await runCalls(turn.calls, { ...this.#options, context })
      this.#conversation.push(...model.format.toResultMessages(results))
      if (signal.aborted) return this.close('interrupted')
      if (fatal) return this.close('failed', fatal)
    }
  }

  /** Ends early. */
  close(reason: Exclude<ExchangeEnd['reason'], 'done'>, error?: AtpError): ExchangeEnd {
    const text = this.#kept ? '' : this.#text
    if (this.#conversation.length <= this.#start + 1 && text === '') this.#conversation.length = this.#start
    else
      this.#conversation.push({
        role: 'assistant',
        content: text === '' ? notes[reason] : `${text}\n\n${notes[reason]}`,
      })
    return this.#end(reason, error)
  }

  #end(reason: ExchangeEnd['reason'], error?: AtpError): ExchangeEnd {
    return { reason, text: this.#text, turns: this.#turns, error }
  }

  async #ask(context: MergedContext): ReturnType<ChatModel['ask']> {
    const { model, view, signal, system, toFailure } = this.#options
    this.#turns += 1
    this.#text = ''
    this.#kept = false
    const asked = model.ask({
      system: [system, context.instructions].filter(Boolean).join('\n\n') || undefined,
      tools: context.tools,
      messages: this.#conversation,
      signal,
      onText: (delta) => {
        if (signal.aborted) return
        this.#text += delta
        view.text(delta)
      },
    })
    try {
      const turn = await beforeAbort(asked, signal)
      if (turn.usage) view.usage(turn.usage)
      return turn
    } catch (error) {
      throw signal.aborted ? error : toFailure(error)
    }
  }
}

/** Packages wait between attempts without looking at the signal, and end an aborted stream as if it were complete. */
async function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function stopError(stop: 'length' | 'filtered'): AtpError {
  return stop === 'length'
    ? new AtpError('result_too_large', 'The answer was cut off at the limit of tokens: raise it with --max-tokens')
    : new AtpError('upstream_failed', "The provider's filter withheld the rest of the answer: ask in another way")
}

function silent(): AtpError {
  return new AtpError('upstream_failed', 'The model answered nothing')
}

function tooManyTurns(maxTurns: number): AtpError {
  return new AtpError('deadline_exceeded', `The model did not finish in ${maxTurns} turns: raise --max-turns`)
}
