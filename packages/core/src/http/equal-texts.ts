/** Compares in a time that depends on the length of what was given alone. */
export function equalTexts(given: string, secret: string): boolean {
  const sameLength = given.length === secret.length
  const other = sameLength ? secret : given
  let difference = 0
  for (let at = 0; at < given.length; at += 1) difference |= given.charCodeAt(at) ^ other.charCodeAt(at)
  return sameLength && difference === 0
}
