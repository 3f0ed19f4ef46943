/** Writes a text from a caller into a message: in quotes, on one line, at most 200 characters of it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 199)}…` : text)
}
