/** Letters, digits and `_` of any script: what `\w` means to Python, whose rule this is. */
const word = /[\p{L}\p{N}_]+/gu
const asciiWord = /[a-z0-9_]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const onlyAscii = /^[\x00-\x7f]*$/

/** The words of a text that is in lower case, each once. */
export function wordsOf(lowerCase: string): Set<string> {
  return new Set(lowerCase.match(onlyAscii.test(lowerCase) ? asciiWord : word))
}

/** All words of a text that is in lower case, in order. */
export function wordListOf(lowerCase: string): string[] {
  return lowerCase.match(onlyAscii.test(lowerCase) ? asciiWord : word) ?? []
}

/** Whether a word counts in descriptions: longer than two characters. */
export function isLongWord(text: string): boolean {
  // A character may take two places, never three.
  return text.length > 4 || (text.length > 2 && [...text].length > 2)
}
