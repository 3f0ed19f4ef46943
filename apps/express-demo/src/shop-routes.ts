import express from 'express'
import { z } from 'zod'
import { cataloguePage } from './catalogue-page.ts'
import type { Shop } from './shop.ts'
import { ShopError } from './shop-error.ts'

const signInBody = z.object({ email: z.string(), password: z.string() })
const quantityBody = z.object({ quantity: z.number().int().min(0).max(99) })

/** The shop's own pages and routes, as they were before there were tools. */
export function shopRoutes(shop: Shop): express.Router {
  const router = express.Router()

  router.get('/', (_request, response) => {
    response.type('html').send(cataloguePage(shop.products()))
  })
  router.get('/products', (request, response) => {
    const { text } = request.query
    response.json(shop.products({ text: typeof text === 'string' ? text : undefined }))
  })
  router.get('/products/:sku', (request, response) => {
    response.json(shop.product(request.params.sku))
  })

  router.post('/sign-in', (request, response) => {
    const { email, password } = read(signInBody, request.body)
    response.json({ token: shop.signIn(email, password) })
  })

  router.post('/baskets', (_request, response) => {
    response.status(201).json({ id: shop.openBasket() })
  })
  router.get('/baskets/:id', (request, response) => {
    const lines = shop.basket(request.params.id)
    response.json({ lines, ...shop.quote(lines, 'GB') })
  })
  router.put('/baskets/:id/:sku', (request, response) => {
    const { id, sku } = request.params
    shop.setQuantity(id, sku, read(quantityBody, request.body).quantity)
    response.json({ lines: shop.basket(id) })
  })
  router.post('/baskets/:id/checkout', (request, response) => {
    const token = request.get('authorization')?.replace(/^Bearer /i, '')
    response.status(201).json(shop.checkOut(request.params.id, token))
  })

  return router
}

const statuses = { missing: 404, conflict: 409, denied: 401, invalid: 400 } as const

/** Answers what the shop cannot do; the tools' routes answer for themselves. */
export const shopErrors: express.ErrorRequestHandler = (error, _request, response, next) => {
  if (error instanceof ShopError) response.status(statuses[error.reason]).json({ message: error.message })
  else next(error)
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new ShopError('invalid', z.prettifyError(parsed.error))
}
