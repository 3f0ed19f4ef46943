/**
 * How much JSON a tool of this toolkit returns at most, in bytes: a quarter of what a result may be, and about as much
 * as is of use to a model at once.
 */
export const maxAnswerBytes = 262_144

/** How many bytes of JSON a value takes. Escapes count: a control character of one byte takes six. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** The longest start of a text that takes at most `maxBytes` of JSON, never cut inside a character. */
export function cutToJsonBytes(text: string, maxBytes: number): string {
  let cut = text.slice(0, maxBytes)
  for (let bytes = jsonBytes(cut); bytes > maxBytes && cut !== ''; bytes = jsonBytes(cut)) {
    cut = cut.slice(0, Math.min(cut.length - 1, Math.floor((cut.length * maxBytes) / bytes)))
  }
  return isHighSurrogate(cut.charCodeAt(cut.length - 1)) && cut.length < text.length ? cut.slice(0, -1) : cut
}

/** Takes items until one does not fit `maxBytes` of JSON any more. */
export function takeWithinJsonBytes<Item>(items: readonly Item[], maxBytes: number): Item[] {
  let left = maxBytes
  const end = items.findIndex((item) => {
    left -= jsonBytes(item) + 1
    return left < 0
  })
  return end === -1 ? [...items] : items.slice(0, end)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
