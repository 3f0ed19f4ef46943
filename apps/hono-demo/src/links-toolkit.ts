import { type ToolContext, ToolError, Toolkit } from '@atp/core'
import { z } from 'zod'
import type { Link, LinkStore, NewLink } from './link-store.ts'

/** What the tools find in `context.env`: made for each call from the bindings of the platform. */
export interface LinksEnv {
  store: LinkStore
  /** What short links begin with. */
  publicUrl: string
  /** Hosts that are not linked to. */
  blockedHosts: readonly string[]
}

const slug = z.string().regex(/^[a-z0-9-]{3,32}$/)
const newLink = z.object({
  url: z.url({ protocol: /^https?$/ }).describe('The address to shorten'),
  slug: slug.optional().describe('The end of the short link; a random one when left out'),
  note: z.string().max(200).optional().describe('What the link is for'),
})

/** The tools of the link shortener. */
export const links: Toolkit = new Toolkit({
  appName: 'links',
  caption: 'Makes short links, finds them, and counts how often they are followed',
})

links.registerTool(
  {
    name: 'find_links',
    description: 'Finds short links whose slug, address or note holds a text; all of them without one',
    params: z.object({ text: z.string().default(''), limit: z.int().min(1).max(100).default(20) }),
    annotations: { readOnly: true },
  },
  async ({ text, limit }, context) => {
    const { store, publicUrl } = envOf(context)
    return (await store.search(text, limit)).map((link) => present(link, publicUrl))
  },
)

links.registerTool(
  {
    name: 'resolve_link',
    description: 'Tells where a short link leads and how often it was followed',
    params: z.object({ slug }),
    annotations: { readOnly: true },
  },
  async ({ slug }, context) => {
    const { store, publicUrl } = envOf(context)
    const link = await store.find(slug)
    if (link === undefined) throw new ToolError(`There is no link "${slug}"`)
    return present(link, publicUrl)
  },
)

links.registerTool(
  { name: 'shorten_link', description: 'Makes a short link for an address', params: newLink },
  async (link, context) => add(link, envOf(context)),
)

links.registerTool(
  {
    name: 'import_links',
    description: 'Makes many short links; tells of each one as soon as it is done',
    params: z.object({ links: z.array(newLink).min(1).max(100) }),
  },
  async function* ({ links }, context) {
    const env = envOf(context)
    let made = 0
    for (const [index, link] of links.entries()) {
      if (context.signal.aborted) break
      const outcome = await add(link, env).catch((error: ToolError) => ({ url: link.url, refused: error.message }))
      if (!('refused' in outcome)) made += 1
      context.progress({ progress: index + 1, total: links.length })
      yield outcome
    }
    return { made, refused: links.length - made }
  },
)

async function add(link: NewLink, { store, publicUrl, blockedHosts }: LinksEnv): Promise<PresentedLink> {
  const { hostname } = new URL(link.url)
  if (blockedHosts.includes(hostname)) throw new ToolError(`${hostname} is on this site's block list`)
  const made = await store.add(link)
  if (made === undefined) throw new ToolError(`The slug "${link.slug}" is taken; choose another one`)
  return present(made, publicUrl)
}

interface PresentedLink {
  short_url: string
  url: string
  note: string
  clicks: number
}

function present({ slug, url, note, clicks }: Link, publicUrl: string): PresentedLink {
  return { short_url: `${publicUrl}/${slug}`, url, note, clicks }
}

function envOf(context: ToolContext): LinksEnv {
  return context.env as LinksEnv
}
