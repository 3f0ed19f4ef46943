/** One server-sent event as it came. */
export interface ReadEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  /** The data lines. */
  readonly data: readonly string[]
}

/** Reads server-sent events one by one; comments are passed over. Ending the iteration early cancels the answer. */
export async function* readEvents(response: Response): AsyncGenerator<ReadEvent, void, undefined> {
  if (response.body === null) return
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      text += value
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const event = readEvent(text.slice(0, end))
        text = text.slice(end + 2)
        if (event !== undefined) yield event
      }
    }
    if (text.trim() !== '') throw new Error(`The stream ended within an event: ${JSON.stringify(text.slice(0, 200))}`)
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Reads all events to the end of the stream, and their data as JSON. */
export async function allEvents(response: Response): Promise<(ReadEvent & { readonly json: unknown })[]> {
  const events: (ReadEvent & { json: unknown })[] = []
  for await (const event of readEvents(response)) events.push({ ...event, json: JSON.parse(event.data.join('\n')) })
  return events
}

function readEvent(block: string): ReadEvent | undefined {
  const fields = block
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(':'))
    .map((line) => ({ name: line.slice(0, line.indexOf(':')), value: line.slice(line.indexOf(':') + 1).trimStart() }))
  if (fields.length === 0) return undefined
  const one = (name: string): string | undefined => fields.find((field) => field.name === name)?.value
  const data = fields.filter(({ name }) => name === 'data').map(({ value }) => value)
  return { id: one('id'), event: one('event'), data }
}
