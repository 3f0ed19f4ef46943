/**
 * Makes text of other people safe for a terminal: control characters, which could move the cursor or rewrite what
 * stands there, and those that change the direction of writing appear as `\u001b`.
 */
export function plainText(text: string): string {
  return text.replace(unsafe, escapeCharacter)
}

/** As {@link plainText}, but lines and tabs stay. */
export function plainLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(unsafeInLines, escapeCharacter)
}

/** One message for people, ended by a line break. */
export function messageLine(message: string): string {
  return `${plainLines(message)}\n`
}

/** Local time, such as `2026-08-01 14:05:09`. */
export function localTime(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return Number.isNaN(local.getTime()) ? 'unknown' : local.toISOString().slice(0, 19).replace('T', ' ')
}

const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const unsafeInLines = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
