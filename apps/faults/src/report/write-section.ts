import { readFile, writeFile } from 'node:fs/promises'

/**
 * Puts a text between the markers `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a page.
 * @throws Error when the page has no such markers
 */
export async function writeSection(file: string, name: string, text: string): Promise<void> {
  const page = await readFile(file, 'utf8')
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} has no section between ${begin} and ${end}`)
  await writeFile(file, `${page.slice(0, from + begin.length)}\n${text.trimEnd()}\n${page.slice(to)}`)
}
