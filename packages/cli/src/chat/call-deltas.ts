/** A tool call of the chat APIs, whole. */
export interface ChatCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

/** A piece of one, as it streams. */
export interface ChatCallDelta {
  index?: number | undefined
  id?: string | null | undefined
  function?:
    | { name?: string | null | undefined; arguments?: string | Record<string, unknown> | null | undefined }
    | undefined
}

/**
 * Puts the tool calls of a streamed chat completion together. OpenAI sends a call in many pieces under one `index`;
 * others send whole calls, some of them all under the index 0 or under none, told apart by their ids.
 */
export class CallDeltas {
  readonly #open: { index: number | undefined; call: ChatCall }[] = []

  /** Takes the next piece. */
  add(delta: ChatCallDelta): void {
    const { arguments: piece, name } = delta.function ?? {}
    const call = this.#callOf(delta)
    if (name && call.function.name === '') call.function.name = name
    if (typeof piece === 'string') call.function.arguments += piece
    else if (piece) call.function.arguments += JSON.stringify(piece)
  }

  /** The calls in the order in which they began. */
  all(): ChatCall[] {
    for (const { call } of this.#open) call.id ||= makeId()
    return this.#open.map(({ call }) => call)
  }

  #callOf({ index, id, function: called }: ChatCallDelta): ChatCall {
    // Mistral's package writes the text "null" where the API sent no id.
    const given = id && id !== 'null' ? id : ''
    const last = this.#open.findLast((each) => index === undefined || each.index === index)
    const continues =
      last && (given === '' ? !this.#beginsAnew(last.call, called?.name) : [given, ''].includes(last.call.id))
    if (continues) {
      last.call.id ||= given
      return last.call
    }
    const call: ChatCall = { id: given, type: 'function', function: { name: '', arguments: '' } }
    this.#open.push({ index, call })
    return call
  }

  /** A piece that names a tool again, after another call without an id got its name, belongs to the next call. */
  #beginsAnew(call: ChatCall, name: string | null | undefined): boolean {
    return Boolean(name) && call.id === '' && call.function.name !== ''
  }
}

/** Nine letters and digits: all that Mistral takes, and good enough for the others. */
function makeId(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(-9)
}

/**
 * The calls as they go back to the provider. Arguments that are no JSON become `{}` there: servers that read them would
 * refuse this and every later request. The model learns what was wrong from the call's result.
 */
export function repeatableCalls(calls: readonly ChatCall[]): ChatCall[] {
  return calls.map((call) => (isJson(call.function.arguments) ? call : withArguments(call, '{}')))
}

function withArguments(call: ChatCall, text: string): ChatCall {
  return { ...call, function: { ...call.function, arguments: text } }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
