import { atp } from '@atp/hono'
import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { timingSafeEqual } from 'hono/utils/buffer'
import type { KeyValue } from './key-value.ts'
import { LinkStore } from './link-store.ts'
import { type LinksEnv, links } from './links-toolkit.ts'

/** What the platform gives the app: a Worker's bindings, or on Node what `start.ts` makes. */
export interface Bindings {
  LINKS: KeyValue
  /** Whoever has it may make links. A secret. */
  EDITOR_KEY: string
  /** What short links begin with. @default the address of the request */
  PUBLIC_URL?: string
  /** Hosts that are not linked to, separated by commas. */
  BLOCKED_HOSTS?: string
}

type AppContext = Context<{ Bindings: Bindings }>

/** The link shortener: the same file on Node and on Workers. */
export const app: Hono<{ Bindings: Bindings }> = new Hono()

app.use(secureHeaders())
app.get('/', (c) => c.text('A link shortener. Its tools: /atp/links/, its UTCP manual: /utcp\n'))
app.get('/health', (c) => c.json({ ok: true }))

app.route(
  '/',
  atp<{ Bindings: Bindings }>(links, {
    title: 'Link shortener',
    env: linksEnv,
    // Looking is free. Whoever writes shows the key, which on Workers is only known once a request is there.
    authorize: async (request, tool) => {
      if (request.method !== 'POST' || tool?.annotations.readOnly) return true
      const [scheme, key] = request.header('authorization')?.split(' ') ?? []
      const { EDITOR_KEY } = request.native.env
      if (scheme !== 'Bearer' || !key || !EDITOR_KEY) return false
      return (await timingSafeEqual(key, EDITOR_KEY)) && { id: 'editor' }
    },
  }),
)

app.get('/:slug', async (c) => {
  const { store } = linksEnv(c)
  const link = await store.find(c.req.param('slug'))
  if (link === undefined) return c.text('There is no such link\n', 404)
  afterAnswer(c, store.countClick(link))
  return c.redirect(link.url, 302)
})

function linksEnv({ env, req }: AppContext): LinksEnv {
  return {
    store: new LinkStore(env.LINKS),
    publicUrl: env.PUBLIC_URL ?? new URL(req.url).origin,
    blockedHosts: env.BLOCKED_HOSTS?.split(',') ?? [],
  }
}

/** A Worker may be stopped after its answer unless it is told of work that goes on. Node has no such context. */
function afterAnswer(c: AppContext, work: Promise<void>): void {
  try {
    c.executionCtx.waitUntil(work)
  } catch {
    void work
  }
}
