import { AtpError } from '../errors/atp-error.ts'

/** One server-sent event. */
export interface ServerEvent {
  /** The id of this event, or of the last one before it that had one; empty where there was none. */
  id: string
  /** Empty where the server gave the event no name. */
  name: string
  data: string
}

/** The most characters of an event that is not complete yet, unless told otherwise. */
const defaultMaxLength = 16 * 1_048_576

const lineEnd = /[\r\n]/g

/** Reads server-sent events as browsers do (WHATWG HTML, 9.2.6), however the bytes are cut. */
export class ServerEventReader {
  readonly #decoder = new TextDecoder()
  readonly #maxEventLength: number
  /** The start of a line whose end has not come. */
  #line = ''
  #endedByReturn = false
  #id = ''
  #name = ''
  #data: string | undefined

  /** @param maxEventLength the most characters of an event that is not complete yet. @default 16 Mi */
  constructor(maxEventLength: number = defaultMaxLength) {
    this.#maxEventLength = maxEventLength
  }

  /** The events that are complete with these bytes. @throws AtpError `protocol_error` for one that is endless */
  feed(bytes: Uint8Array): ServerEvent[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }))
  }

  /** The event that lacks its empty line, if the stream ends with one. Browsers pass it over; founding clients do not. */
  end(): ServerEvent | undefined {
    const [event] = this.#read(`${this.#decoder.decode()}\n\n`)
    return event
  }

  #read(text: string): ServerEvent[] {
    const events: ServerEvent[] = []
    let start = 0
    // The second half of a line end that was cut in two.
    if (this.#endedByReturn && text.startsWith('\n')) start = 1
    if (text !== '') this.#endedByReturn = text.endsWith('\r')
    lineEnd.lastIndex = start
    for (let match = lineEnd.exec(text); match; match = lineEnd.exec(text)) {
      const line = this.#line + text.slice(start, match.index)
      this.#line = ''
      if (match[0] === '\r' && text[match.index + 1] === '\n') lineEnd.lastIndex += 1
      start = lineEnd.lastIndex
      const event = this.#take(line)
      if (event) events.push(event)
    }
    this.#line += text.slice(start)
    if (this.#line.length + (this.#data?.length ?? 0) > this.#maxEventLength) {
      throw new AtpError('protocol_error', `The server sent an event of more than ${this.#maxEventLength} characters`)
    }
    return events
  }

  #take(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1
    const value = colon === -1 ? '' : line.slice(start)
    // A comment has no field. `retry` is the server's wish for browsers; there is a backoff here.
    if (field === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
    else if (field === 'event') this.#name = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    return undefined
  }

  #dispatch(): ServerEvent | undefined {
    const data = this.#data
    const name = this.#name
    this.#data = undefined
    this.#name = ''
    return data === undefined ? undefined : { id: this.#id, name, data }
  }
}
