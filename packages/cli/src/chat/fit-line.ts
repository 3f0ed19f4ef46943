/** Cuts a line to the columns of a terminal, with an ellipsis where something is missing. */
export function fitLine(text: string, columns: number): string {
  let width = 0
  let end = 0
  let fits = 0
  for (const character of text) {
    width += widthOf(character)
    if (width > columns) return `${text.slice(0, fits).trimEnd()}…`
    end += character.length
    if (width <= columns - 1) fits = end
  }
  return text
}

/** In columns, near enough: marks stand on the character before them, East Asian characters and emoji take two. */
function widthOf(character: string): number {
  if (mark.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

const mark = /\p{M}|[\u200b-\u200d]/u
const wide =
  /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff00-\uff60\uffe0-\uffe6]/u
