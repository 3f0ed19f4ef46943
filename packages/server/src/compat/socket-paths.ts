/** A percent-decoded part of an address; undefined when it cannot be decoded. */
export function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
