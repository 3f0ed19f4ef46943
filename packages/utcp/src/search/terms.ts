import { wordListOf } from './words.ts'

/** Words that say nothing about what a tool does. */
const stopWords = new Set(
  'a an and any are as at be by can did do does for from get has have how i if in into is it its me my of on one or our please show so that the their them then there these this to us use was we what when where which who will with you your'.split(
    ' ',
  ),
)

/** The terms of a text for ranking: words in lower case, parts of `snake_case` and `camelCase`, endings cut. */
export function termsOf(text: string): string[] {
  const spaced = text.replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2').replaceAll('_', ' ')
  const terms: string[] = []
  for (const word of wordListOf(spaced.toLowerCase())) if (!stopWords.has(word)) terms.push(stem(word))
  return terms
}

/** Cuts the commonest English endings, the same for texts and queries. */
function stem(word: string): string {
  if (word.length <= 3) return word
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`
  if (/(?:s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2)
  if (word.endsWith('s') && !/(?:ss|us|is)$/.test(word)) return word.slice(0, -1)
  if (word.endsWith('ing') && word.length > 5) return undouble(word.slice(0, -3))
  if (word.endsWith('ed') && word.length > 4) return undouble(word.slice(0, -2))
  return word.endsWith('e') && word.length > 4 ? word.slice(0, -1) : word
}

/** `shipped` and `shipping` are of `ship`. */
function undouble(word: string): string {
  const last = word.at(-1) ?? ''
  const cut = last === word.at(-2) && !/[aeiouls]/.test(last) ? word.slice(0, -1) : word
  return cut.endsWith('e') && cut.length > 4 ? cut.slice(0, -1) : cut
}
