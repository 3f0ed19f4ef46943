/** A link from `docs/` to a file of the repository, by its package and name. */
export function link(file: string): string {
  const parts = file.split('/')
  const name = parts.at(-1) ?? file
  const short = parts[0] === 'packages' || parts[0] === 'apps' ? `${parts[1]}: ${name}` : name
  return `[${short}](../${file})`
}

/** A sentence of ours in a cell: what is Markdown in it stays Markdown. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** A text as it is written, such as a title: nothing in it is Markdown or HTML. */
export function plain(text: string): string {
  return text.replace(/[<>&]/g, (character) => entities[character] ?? character).replace(/[\\`*_|~[\]$]/g, '\\$&')
}

const entities: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' }
