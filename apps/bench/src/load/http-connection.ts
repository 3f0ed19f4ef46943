import { connect, type Socket } from 'node:net'

/** An answer as far as a load generator looks at it. */
export interface HttpAnswer {
  status: number
  /** Each byte as one character. */
  body: string
}

/** Answers that are larger are put together from pieces. */
const bufferBytes = 16_384

/**
 * One keep-alive connection for one request at a time. It sends bytes that were written beforehand and looks at no more
 * of an answer than it must: a full client would cost more than the server it measures.
 */
export class HttpConnection {
  readonly #socket: Socket
  #text = ''
  #closed: Error | undefined
  #waiter: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined

  constructor(port: number) {
    const onread = {
      buffer: Buffer.allocUnsafe(bufferBytes),
      callback: (size: number, buffer: Uint8Array): boolean =>
        this.#read((buffer as Buffer).toString('latin1', 0, size)),
    }
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('The server closed the connection')))
  }

  /**
   * Sends a request and waits for its answer.
   * @throws Error when the connection ends before, or the answer says no length
   */
  request(bytes: Uint8Array): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed)
      if (this.#waiter !== undefined) return reject(new Error('The connection waits for an answer already'))
      this.#waiter = { resolve, reject }
      this.#socket.write(bytes)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(text: string): boolean {
    this.#text = this.#text === '' ? text : this.#text + text
    try {
      const answer = readAnswer(this.#text)
      if (answer === undefined) return true
      this.#text = ''
      const waiter = this.#waiter
      this.#waiter = undefined
      waiter?.resolve(answer)
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
    return true
  }

  #fail(error: Error): void {
    this.#closed ??= error
    this.#waiter?.reject(this.#closed)
    this.#waiter = undefined
  }
}

/**
 * Reads an answer, with each of its bytes as one character; undefined while some of it is missing.
 * @throws Error for what is no answer with a length, or more than one
 */
export function readAnswer(text: string): HttpAnswer | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const length = lengthPattern.exec(text)
  if (length === null || length.index > headEnd || !text.startsWith('HTTP/1.1 ')) {
    throw new Error(`An answer needs a length: ${JSON.stringify(text.slice(0, 300))}`)
  }
  const bodyStart = headEnd + 4
  const end = bodyStart + Number(length[1])
  if (text.length < end) return undefined
  if (text.length > end) throw new Error(`There is more than one answer: ${JSON.stringify(text.slice(0, 300))}`)
  return { status: Number(text.slice(9, 12)), body: text.slice(bodyStart) }
}

const lengthPattern = /\r\ncontent-length: *(\d+)/i
