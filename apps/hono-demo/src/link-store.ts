import type { KeyValue } from './key-value.ts'

/** A short link. */
export interface Link {
  slug: string
  url: string
  note: string
  createdAt: string
  clicks: number
}

/** What is told of a link that is to be made. */
export interface NewLink {
  url: string
  slug?: string | undefined
  note?: string | undefined
}

/** Paths that the app itself answers. */
const reservedSlugs: ReadonlySet<string> = new Set(['atp', 'utcp', 'health'])

/**
 * The short links of a key-value store. KV has no transactions: of two writers of one slug at the same moment the later
 * one wins, and clicks at the same moment may count as one.
 */
export class LinkStore {
  readonly #texts: KeyValue

  constructor(texts: KeyValue) {
    this.#texts = texts
  }

  /** The new link; undefined when its slug is taken. */
  async add({ url, slug = randomSlug(), note = '' }: NewLink): Promise<Link | undefined> {
    if (reservedSlugs.has(slug) || (await this.find(slug)) !== undefined) return undefined
    const link: Link = { slug, url, note, createdAt: new Date().toISOString(), clicks: 0 }
    await this.#save(link)
    return link
  }

  async find(slug: string): Promise<Link | undefined> {
    const text = await this.#texts.get(`link:${slug}`)
    return text === null ? undefined : (JSON.parse(text) as Link)
  }

  /** The links whose slug, address or note holds the text, in the order of their slugs. */
  async search(text: string, limit: number): Promise<Link[]> {
    const wanted = text.toLowerCase()
    const found: Link[] = []
    let cursor: string | undefined
    do {
      const page = await this.#texts.list({ prefix: 'link:', ...(cursor === undefined ? {} : { cursor }) })
      for (const { name } of page.keys) {
        const link = await this.find(name.slice('link:'.length))
        if (link === undefined || !`${link.slug} ${link.url} ${link.note}`.toLowerCase().includes(wanted)) continue
        found.push(link)
        if (found.length === limit) return found
      }
      cursor = page.list_complete ? undefined : page.cursor
    } while (cursor !== undefined)
    return found
  }

  async countClick(link: Link): Promise<void> {
    await this.#save({ ...link, clicks: link.clicks + 1 })
  }

  async #save(link: Link): Promise<void> {
    await this.#texts.put(`link:${link.slug}`, JSON.stringify(link))
  }
}

/** Seven letters and digits, without those that people mix up. */
function randomSlug(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  return Array.from(crypto.getRandomValues(new Uint8Array(7)), (byte) => alphabet[byte % alphabet.length]).join('')
}
