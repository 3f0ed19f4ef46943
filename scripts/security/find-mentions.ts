/** A place where a text speaks of a rule. */
export interface Mention {
  rule: string
  line: number
}

const spoken: RegExp = /\b[Rr]ules?\s+([A-Z]\d{1,2}(?:(?:,\s*(?:and\s+)?|\s+(?:and|or)\s+)[A-Z]\d{1,2})*)\b/g
const tabled: RegExp = /^\| *([A-Z]\d{1,2}) *\|/gm

/**
 * Finds the rules that a text, a comment or a title speaks of: `rule K1`, a list after `rules`, a row of a table that
 * begins with an id. An id alone is none: too many things are called so.
 */
export function findMentions(text: string): Mention[] {
  // A list may go on behind the border of a comment. Equal length keeps the places right.
  const flat = text.replace(/\n[ \t]*(?:\*|\/\/)?/g, (gap) => ' '.repeat(gap.length))
  return [...flat.matchAll(spoken), ...text.matchAll(tabled)]
    .sort((a, b) => a.index - b.index)
    .flatMap((match) => {
      const line = text.slice(0, match.index).split('\n').length
      return (match[1] ?? '').match(/[A-Z]\d{1,2}/g)?.map((rule) => ({ rule, line })) ?? []
    })
}
