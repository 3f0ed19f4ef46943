/** Whether bytes are no text: as for git, a NUL byte decides. UTF-16 files are binary by this rule. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.includes(0)
}

/**
 * Reads bytes as UTF-8; what is no UTF-8 becomes U+FFFD.
 * @param complete whether these are all bytes of the file; if not, a character cut at the end is left out.
 */
export function toText(bytes: Uint8Array, complete = true): string {
  return new TextDecoder().decode(bytes, { stream: !complete })
}

/** The lines of a text without their ends (LF or CRLF); a line end at the very end begins no further line. */
export function toLines(text: string): string[] {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
