import { UtcpError } from '@atp/utcp'

/** Where a header comes from: it decides whose mistake a wrong one is. */
type HeaderSource = 'invalid_call_template' | 'invalid_arguments'

/** The headers of one request; names are compared without case. */
export class HeaderSet {
  readonly #byName = new Map<string, { name: string; value: string }>()

  /**
   * Sets a header, in place of one of that name.
   * @throws UtcpError for a name that is none, and for values with CR, LF, NUL or characters that headers cannot carry
   */
  set(name: string, value: string, source: HeaderSource): void {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      throw new UtcpError('invalid_call_template', `${JSON.stringify(name.slice(0, 100))} is not a header name`)
    }
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new UtcpError(source, `The value of the header ${name} has characters that headers cannot carry`, {
        path: name,
      })
    }
    this.#byName.set(name.toLowerCase(), { name, value })
  }

  get(name: string): string | undefined {
    return this.#byName.get(name.toLowerCase())?.value
  }

  get names(): string[] {
    return [...this.#byName.keys()]
  }

  toRecord(): Record<string, string> {
    const record: Record<string, string> = {}
    for (const { name, value } of this.#byName.values()) record[name] = value
    return record
  }
}
